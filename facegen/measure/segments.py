"""What each pixel of a picture shows: hair, skin, clothes, eyes, glasses and so on.

For generated faces it is read from the features that draw them (`SegmentHead`), which costs little
more than the picture and sees what the network itself tells apart.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facegen.checks import require_finite, require_shape
from facegen.errors import LatentError, ModelError, UsageError
from facegen.measure.detector import at_size
from facegen.nets import segment_net
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_segments import SegmentHead
from facegen.paths import MODELS_DIR, shipped

if TYPE_CHECKING:
    from facegen.generator import Generator

SEGMENTS = (
    "background", "clothes", "skin", "neck", "ears", "hair", "brows", "eyes", "iris", "lips",
    "mouth", "glasses", "sunglasses", "hat", "beard",
)  # fmt: skip
"""What a pixel can show; its label is the place here.

`eyes` is the white of the eye (with the lashes along it), `iris` the iris with the pupil; `mouth`
is what open lips show: teeth and tongue. `skin` is the face's and the forehead's, with the nose.
`glasses` are frame and lenses but for the eyes and brows seen through them; dark lenses are
`sunglasses`, with what is behind. `hat` is whatever covers the head: caps, scarves, bands. Other
people in the picture are background; jewellery counts as what it lies on.
"""
SEGMENTS_PX = 256
PICTURE_NET_FILE = MODELS_DIR / "segments" / "picture.safetensors"
CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


@dataclass(frozen=True, eq=False)
class Segments:
    """What the pixels of one picture show.

    Attributes:
        labels: uint8 [256, 256], places in `SEGMENTS`.
    """

    labels: np.ndarray

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.dtype != np.uint8 or labels.shape != (SEGMENTS_PX, SEGMENTS_PX):
            raise LatentError(
                f"Segments are labels, uint8 [{SEGMENTS_PX}, {SEGMENTS_PX}], got {labels.dtype} "
                f"{labels.shape}."
            )
        if labels.max() >= len(SEGMENTS):
            raise LatentError(
                f"Labels of segments are below {len(SEGMENTS)}, got {labels.max()}. They were "
                f"made by another version."
            )

    def share(self, *names: str) -> float:
        """How much of the picture these segments take together, 0 to 1.

        Raises:
            UsageError: there is no such segment.
        """
        return float(self._inside(names).mean())

    def mask(self, *names: str) -> np.ndarray:
        """Where any of these segments is: float32 [256, 256], 1 there and 0 elsewhere.

        Raises:
            UsageError: there is no such segment.
        """
        return self._inside(names).astype(np.float32)

    def _inside(self, names: tuple[str, ...]) -> np.ndarray:
        places = [segment_id(name) for name in names]
        table = np.zeros(len(SEGMENTS), bool)
        table[places] = True
        return table[self.labels]


def segment_id(name: str) -> int:
    """A segment's label.

    Raises:
        UsageError: there is no such segment.
    """
    if name not in SEGMENTS:
        raise UsageError(f"There is no segment {name!r}; there are {', '.join(SEGMENTS)}.")
    return SEGMENTS.index(name)


def of_latent(generator: Generator, w_plus: np.ndarray) -> Segments:
    """The segments of a generated face, from the features that draw it.

    Args:
        generator: Its network.
        w_plus: [18, 512].

    Raises:
        LatentError: wrong shape or values that are not finite.
        ModelError: nothing was learned for this network (see `knows`).
    """
    return _reader(generator).labels(_checked(generator, w_plus))


def with_picture(generator: Generator, w_plus: np.ndarray) -> tuple[np.ndarray, Segments]:
    """A generated face and its segments, drawn once: sooner than one after the other.

    Args and errors: as `of_latent`.

    Returns:
        The picture, uint8 [S, S, 3] RGB, and what it shows.
    """
    return _reader(generator).picture_and_labels(_checked(generator, w_plus))


def of_picture(image: np.ndarray) -> Segments:
    """The segments of a picture, by a small network that learned them from generated faces.

    Args:
        image: uint8 [H, H, 3] RGB of at least 64 px, aligned as FFHQ is.

    Raises:
        LatentError: no such picture.
        ModelError: the network's file is damaged.
    """
    picture = np.ascontiguousarray(at_size(image, SEGMENTS_PX))
    return Segments(one_kind_of_glasses(_load_picture_reader()(picture)))


def knows(generator: Generator) -> bool:
    """Whether this network's features can be read; else a picture of it can be."""
    path = MODELS_DIR / "segments" / f"{generator.model}.safetensors"
    return isinstance(getattr(generator, "synthesis", None), MobileSynthesis) and path.is_file()


@lru_cache(maxsize=2)
def load_segment_head(model: str) -> SegmentHead:
    """The head learned for a model; it lies in the repository.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    path = shipped(MODELS_DIR / "segments" / f"{model}.safetensors")
    head = SegmentHead(len(SEGMENTS))
    try:
        tensors = load_file(path)
        head.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=True)
    except (OSError, RuntimeError, SafetensorError) as err:
        raise ModelError(
            f"What was learned of segments, {path.name}, is damaged; restore it with git, or "
            f"install facegen again."
        ) from err
    return head.requires_grad_(False).eval()


class _Reader:
    """A network and its head, by OpenVINO or else by PyTorch; graphs are made on first use."""

    def __init__(self, net: MobileSynthesis, head: SegmentHead) -> None:
        self._net, self._head = net, head
        self._lock = threading.Lock()
        self._requests: dict[bool, Any] = {}

    def labels(self, w_plus: np.ndarray) -> Segments:
        return Segments(one_kind_of_glasses(self._run(w_plus, with_picture=False)[0]))

    def picture_and_labels(self, w_plus: np.ndarray) -> tuple[np.ndarray, Segments]:
        picture, labels = self._run(w_plus, with_picture=True)
        return picture, Segments(one_kind_of_glasses(labels))

    def _run(self, w_plus: np.ndarray, *, with_picture: bool) -> list[np.ndarray]:
        with self._lock:
            request = self._request(with_picture)
            if request is not None:
                outputs = request.infer(w_plus[None], share_inputs=True, share_outputs=True)
                # Copies: the request reuses its memory.
                return [np.array(outputs[i][0]) for i in range(1 + with_picture)]
        with torch.inference_mode():
            w = torch.from_numpy(w_plus[None]).to(self._net.device)
            labels = self._head.of_latent(self._net, w)[0].argmax(dim=0).byte().cpu().numpy()
            if not with_picture:
                return [labels]
            img = (self._net(w)[0].clamp(-1, 1) + 1) * 127.5
            return [img.round().byte().permute(1, 2, 0).cpu().numpy(), labels]

    def _request(self, with_picture: bool) -> Any:
        if with_picture not in self._requests:
            try:
                import openvino as ov
            except ImportError:
                self._requests[with_picture] = None
            else:
                graph = self._head.openvino_graph(self._net, with_picture=with_picture)
                compiled = ov.Core().compile_model(graph, "CPU", CONFIG)
                self._requests[with_picture] = compiled.create_infer_request()
        return self._requests[with_picture]


def one_kind_of_glasses(labels: np.ndarray) -> np.ndarray:
    """Nobody wears two kinds: all glasses become what most of their pixels are taken for."""
    clear, dark = segment_id("glasses"), segment_id("sunglasses")
    most = clear if np.sum(labels == clear) >= np.sum(labels == dark) else dark
    return np.where((labels == clear) | (labels == dark), np.uint8(most), labels)


class _PictureReader:
    """The network for pictures, by OpenVINO or else by PyTorch."""

    def __init__(self) -> None:
        self._weights = load_picture_weights()
        self._lock = threading.Lock()
        self._request: Any = None
        try:
            import openvino as ov
        except ImportError:
            return
        graph = segment_net.graph({key: value.numpy() for key, value in self._weights.items()})
        # One thread: it is used beside networks that want all of them.
        config = CONFIG | {"INFERENCE_NUM_THREADS": 1}
        self._request = ov.Core().compile_model(graph, "CPU", config).create_infer_request()

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        if self._request is not None:
            with self._lock:
                outputs = self._request.infer(picture[None], share_inputs=True, share_outputs=True)
                return np.array(outputs[0][0])
        with torch.inference_mode():
            img = torch.from_numpy(picture[None]).permute(0, 3, 1, 2) / 127.5 - 1
            scores = segment_net.scores(self._weights, img)
            return scores[0].argmax(dim=0).byte().numpy()


@lru_cache(maxsize=1)
def _load_picture_reader() -> _PictureReader:
    return _PictureReader()


def load_picture_weights() -> dict[str, Tensor]:
    """The network for pictures as `facegen.nets.segment_net.scores` takes it.

    Raises:
        ModelError: its file is damaged.
    """
    path = shipped(PICTURE_NET_FILE)
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as err:
        raise ModelError(f"{path.name} is damaged; restore it with git.") from err
    wanted = segment_net.expected_shapes(len(SEGMENTS))
    if {key: tuple(value.shape) for key, value in tensors.items()} != wanted:
        raise ModelError(f"{path.name} holds another network; restore it with git.")
    return {key: value.float() for key, value in tensors.items()}


_readers: weakref.WeakKeyDictionary[Generator, _Reader] = weakref.WeakKeyDictionary()
_readers_lock = threading.Lock()


def _reader(generator: Generator) -> _Reader:
    if not knows(generator):
        raise ModelError(
            f"Segments of {generator.model} cannot be read from its features: nothing was learned "
            f"for it. Draw the picture and read that."
        )
    with _readers_lock:
        if generator not in _readers:
            net = generator.synthesis
            assert isinstance(net, MobileSynthesis)
            _readers[generator] = _Reader(net, load_segment_head(generator.model))
        return _readers[generator]


def _checked(generator: Generator, w_plus: np.ndarray) -> np.ndarray:
    w_plus = np.asarray(w_plus, np.float32)
    advice = "Use Face.load or Generator.w_from_seed to get one."
    require_shape(w_plus, (None, generator.w_dim), what="w_plus", advice=advice)
    rows = np.ascontiguousarray(w_plus[: generator.num_ws])
    require_shape(rows, (generator.num_ws, generator.w_dim), what="w_plus", advice=advice)
    require_finite(rows, what="w_plus", advice=advice)
    return rows
