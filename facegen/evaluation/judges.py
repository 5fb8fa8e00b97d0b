"""Judges of age, sex, identity and angles that nothing here learns from or steers by.

* faceres (package `@vladmandic/human`): a MobileNet v1 taught on VGGFace2, for age, sex and
  identity; its TensorFlow.js weights are read as data into a network written here.
* fr_pose (package `faceplugin-face-recognition-js`): angles of the head from pixels, without
  landmarks; an ONNX file for onnxruntime.

Convention:
    Yaw, pitch and roll as in `facegen.measure.pose`, but with the judge's own zero and scale:
    `Alignment` brings them to ours by natural faces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facegen.errors import ModelError
from facegen.evaluation.packages import FACERES, FR_POSE, JUDGES_DIR, read_members

FACE_PX = 224
AGES = 100
# What faceres was trained with: blue, green, red, these means taken off.
FACERES_MEAN_BGR = (103.939, 116.779, 123.68)
FACERES_WIDTHS = (64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
FACERES_HALVES = (1, 3, 5, 11)  # blocks that halve the picture, counted from 0
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
POSE_BINS, POSE_STEP, POSE_LOWEST = 66, 3.0, -99.0
# Half the side of the square around a face, in the larger of its landmarks' width and height.
FACERES_HALF, POSE_HALF = 0.6, 0.7


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the judges say of one face.

    Attributes:
        age: Years.
        male: Probability, 0 to 1.
        identity: float32 [1024], of length 1; the scalar product of two is their likeness.
        yaw, pitch: Degrees, by the judge's own zero and scale.
    """

    age: float
    male: float
    identity: np.ndarray
    yaw: float
    pitch: float


class FaceRes(nn.Module):
    """MobileNet v1 with heads for age and sex, as TensorFlow.js runs it.

    Args:
        weights: Name in the manifest -> numbers, in TensorFlow's order of axes.
    """

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        for name, values in weights.items():
            if values.ndim == 4:  # [H, W, I, O], and [H, W, C, 1] for a layer of each channel
                order = (2, 3, 0, 1) if "depthwise" in name else (3, 2, 0, 1)
                values = values.transpose(order)
            self.register_buffer(_key(name), torch.from_numpy(np.ascontiguousarray(values)))

    def forward(self, img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, 224, 224] BGR without its means -> features [N, 1024], sex [N], ages [N, 100]."""
        x = self._conv(img, "conv1/convolution/merged_input", 2)
        x = self._clipped(x + self._of("conv1_bn/batchnorm_1/sub"), "conv1_relu")
        for k in range(len(FACERES_WIDTHS)):
            deep = f"conv_dw_{k + 1}"
            x = self._conv(x, f"{deep}/depthwise_kernel", 2 if k in FACERES_HALVES else 1)
            x = x * self._of(f"{deep}_bn/batchnorm_1/mul")
            x = self._clipped(x + self._of(f"{deep}_bn/batchnorm_1/sub"), f"{deep}_relu")
            wide = f"conv_pw_{k + 1}"
            x = self._conv(x, f"{wide}/convolution/merged_input", 1)
            x = self._clipped(x + self._of(f"{wide}_bn/batchnorm_1/sub"), f"{wide}_relu")
        features = x.mean(dim=(2, 3))
        hidden = functional.relu(self._dense(features, "feats"))
        male = torch.sigmoid(self._dense(hidden, "gender_pred"))[:, 0]
        return features, male, torch.softmax(self._dense(hidden, "age_pred"), dim=1)

    def _of(self, name: str) -> Tensor:
        values: Tensor = getattr(self, _key(name))
        return values[None, :, None, None] if values.ndim == 1 else values

    def _conv(self, x: Tensor, name: str, stride: int) -> Tensor:
        """Edges as TensorFlow pads them: what is odd goes to the right and below."""
        kernel = getattr(self, _key(name))
        size = kernel.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
        x = functional.pad(x, (total // 2, total - total // 2) * 2)
        groups = kernel.shape[0] if kernel.shape[1] == 1 and size > 1 else 1
        return functional.conv2d(x, kernel, stride=stride, groups=groups)

    def _clipped(self, x: Tensor, name: str) -> Tensor:
        high, low = getattr(self, _key(f"{name}/Cast")), getattr(self, _key(f"{name}/Const_1"))
        return torch.maximum(torch.minimum(functional.relu(x), high), low)

    def _dense(self, x: Tensor, name: str) -> Tensor:
        return x @ getattr(self, _key(f"{name}/kernel")) + getattr(self, _key(f"{name}/bias"))


def read_tfjs_weights(manifest: bytes, data: bytes) -> dict[str, np.ndarray]:
    """The float arrays of a TensorFlow.js graph model, by name.

    Raises:
        ModelError: the two do not fit together.
    """
    found, place = {}, 0
    for group in json.loads(manifest)["weightsManifest"]:
        for entry in group["weights"]:
            count = int(np.prod(entry["shape"]))
            packed = entry.get("quantization", {}).get("dtype")
            if packed not in (None, "float16"):
                raise ModelError(f"{entry['name']} is packed as {packed}, expected float16.")
            kind = np.dtype("<f2" if packed else {"int32": "<i4"}.get(entry["dtype"], "<f4"))
            values = np.frombuffer(data, kind, count, place).reshape(entry["shape"])
            place += count * kind.itemsize
            if entry["dtype"] == "float32":
                found[entry["name"]] = values.astype(np.float32)
    if place != len(data):
        raise ModelError(f"The weights have {len(data)} bytes, their manifest names {place}.")
    return found


class Judges:
    """All judges of a face, loaded once."""

    def __init__(self, folder: Path = JUDGES_DIR) -> None:
        import onnxruntime

        faceres = read_members(FACERES, folder)
        self._faceres = FaceRes(read_tfjs_weights(faceres["manifest"], faceres["weights"])).eval()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._pose = onnxruntime.InferenceSession(read_members(FR_POSE, folder)["network"], options)

    def judge(self, image: np.ndarray, landmarks: np.ndarray) -> Judgement:
        """Judge the face of a picture.

        Args:
            image: uint8 [H, H, 3] RGB.
            landmarks: [68, 2] in pixels of it; they only say where the face is.
        """
        chip = cut_face(image, landmarks, FACERES_HALF).astype(np.float32)
        bgr = chip[..., ::-1] - np.array(FACERES_MEAN_BGR, np.float32)
        with torch.inference_mode():
            features, male, ages = self._faceres(_planes(bgr))
        identity = features[0].numpy()
        yaw, pitch, _ = self.angles(cut_face(image, landmarks, POSE_HALF))
        return Judgement(
            float(ages[0].numpy() @ np.arange(1, AGES + 1)),
            float(male[0]),
            identity / max(float(np.linalg.norm(identity)), 1e-9),
            yaw,
            pitch,
        )

    def angles(self, chip: np.ndarray) -> tuple[float, float, float]:
        """Yaw, pitch and roll of a face, uint8 [224, 224, 3]; our signs, the judge's scale."""
        scaled = (chip / 255.0 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
        feed: dict[str, Any] = {"input": _planes(scaled.astype(np.float32)).numpy()}
        logits = [out[0] for out in self._pose.run(["output", "617", "618"], feed)]
        yaw, pitch, roll = (_expected(row) for row in logits)
        return -yaw, pitch, roll


def cut_face(image: np.ndarray, landmarks: np.ndarray, half: float) -> np.ndarray:
    """A square around a face, uint8 [224, 224, 3]; edges of the picture are repeated.

    Args:
        image: uint8 [H, W, 3].
        landmarks: [68, 2] in pixels.
        half: Half its side, in the larger of the landmarks' width and height.
    """
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    reach = half * float((high - low).max())
    middle = (low + high) / 2
    step = 2 * reach / FACE_PX
    back = np.array([[step, 0.0, 0.0], [0.0, step, 0.0]])
    back[:, 2] = middle - step * (FACE_PX - 1) / 2
    source = image
    if step > 1.5:  # averaged first: single pixels of a large picture would flicker
        source = cv2.resize(image, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
        back[:, :2] /= step
        back[:, 2] = (back[:, 2] + 0.5) / step - 0.5
    return cv2.warpAffine(
        source,
        back,
        (FACE_PX, FACE_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


@dataclass(frozen=True)
class Alignment:
    """Brings a judge's numbers to our zero and scale: the same mean and spread on natural faces.

    Attributes:
        ours, theirs: Mean and standard deviation of both on the same faces.
        correlation: Of the two.
    """

    ours: tuple[float, float]
    theirs: tuple[float, float]
    correlation: float

    def __call__(self, value: float) -> float:
        """A judge's number on our scale."""
        return self.ours[0] + (value - self.theirs[0]) / self.theirs[1] * self.ours[1]


def align(ours: np.ndarray, theirs: np.ndarray) -> Alignment:
    """Learn an alignment from both measurements of the same natural faces, [N] each.

    Raises:
        ModelError: fewer than two faces, or one of the two does not vary.
    """
    if len(ours) < 2 or not ours.std() or not theirs.std():
        raise ModelError(f"A judge is aligned on faces that differ, got {len(ours)}.")
    return Alignment(
        (float(ours.mean()), float(ours.std())),
        (float(theirs.mean()), float(theirs.std())),
        float(np.corrcoef(ours, theirs)[0, 1]),
    )


def _key(name: str) -> str:
    return name.replace("/", "_")


def _planes(chip: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(chip.transpose(2, 0, 1)[None]))


def _expected(logits: np.ndarray) -> float:
    share = np.exp(logits - logits.max())
    return float(share @ np.arange(POSE_BINS) / share.sum() * POSE_STEP + POSE_LOWEST)
