"""Films of a sweep, there and back: H.264 in MP4 for all players, VP9 in WebM; both by FFmpeg.

Between two pictures come frames in between: points move along OpenCV's dense optical flow (Kroeger
et al. 2016, "Fast Optical Flow using Dense Inverse Search"), and what only one of the two shows
fades. They are not drawn by the network. Where neighbours are far apart, as at the end of a row,
the film cuts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import cv2
import numpy as np

from facegen.errors import UsageError
from facegen.images import resized
from facegen.sweeps.sweep import Frame

if TYPE_CHECKING:
    from av import VideoStream

FilmKind = Literal["mp4", "webm"]

FPS = 30
PER_STEP = 4
"""Frames from one picture to the next: 0.13 s."""
EDGE = 720
MOST_TURN = 20.0
"""Degrees between two pictures with frames in between; a larger leap is a cut."""
BT709 = 1
LIMITED = 1
COMMENT = "AI-generated: trainedAlgorithmicMedia"


@dataclass(frozen=True)
class _Codec:
    """How FFmpeg is asked for a kind of film."""

    name: str
    options: dict[str, str]
    container: dict[str, str]


CODECS: dict[FilmKind, _Codec] = {
    "mp4": _Codec("libx264", {"crf": "18", "preset": "medium"}, {"movflags": "+faststart"}),
    "webm": _Codec("libvpx-vp9", {"crf": "28", "b": "0", "cpu-used": "4", "row-mt": "1"}, {}),
}


def make_film(frames: Sequence[Frame], kind: FilmKind = "mp4", *, edge: int = EDGE) -> bytes:
    """A film of a sweep, there and back, of 30 frames a second.

    Args:
        frames: In order.
        kind: H.264 in MP4, or VP9 in WebM; both yuv420p, BT.709.
        edge: At most so many pixels; made even.

    Raises:
        UsageError: there are no pictures, or this FFmpeg lacks the codec.
    """
    if not frames:
        raise UsageError("There is no picture yet; make the sweep first.")
    import av  # FFmpeg: what makes no film should not load it

    edge = min(edge, len(frames[0].image)) // 2 * 2
    codec = CODECS[kind]
    # A file, not memory: FFmpeg opens it again to move the index to its beginning.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sweep.{kind}"
        try:
            _write(path, frames, codec, edge)
        except (av.error.FFmpegError, av.codec.codec.UnknownCodecError) as err:
            raise UsageError(
                f"The film cannot be written by this FFmpeg ({err}); take the GIF instead."
            ) from err
        return path.read_bytes()


def _write(path: Path, frames: Sequence[Frame], codec: _Codec, edge: int) -> None:
    import av

    with av.open(path, "w", container_options=codec.container) as film:
        film.metadata["comment"] = COMMENT
        opened = film.add_stream(codec.name, rate=FPS, options=codec.options)
        stream = cast("VideoStream", opened)
        stream.width = stream.height = edge
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        for number, image in enumerate(_there_and_back(frames, edge)):
            picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            film.mux(stream.encode(picture))
        film.mux(stream.encode())


def in_between(first: np.ndarray, last: np.ndarray, count: int) -> list[np.ndarray]:
    """Pictures on the way from one to another, evenly spaced, without the two.

    Args:
        first: uint8 [H, H, 3].
        last: Likewise.
        count: How many.
    """
    a, b = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, last))
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = _flow(finder, a, b), _flow(finder, b, a)
    made = []
    for number in range(1, count + 1):
        share = number / (count + 1)
        early = _moved(first, there, share).astype(np.float32)
        late = _moved(last, back, 1 - share).astype(np.float32)
        made.append((early + share * (late - early) + 0.5).astype(np.uint8))
    return made


def _flow(finder: cv2.DISOpticalFlow, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return finder.calc(a, b, np.zeros((*a.shape, 2), np.float32))


def _moved(image: np.ndarray, flow: np.ndarray, share: float) -> np.ndarray:
    """A picture whose points went a share of their way; the flow is read where they arrive."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    step = np.float32(share) * flow
    moved: np.ndarray = cv2.remap(
        image, x - step[..., 0], y - step[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def _there_and_back(frames: Sequence[Frame], edge: int) -> Iterator[np.ndarray]:
    """All frames of the film, made as they are needed: a loop without a jump."""
    if len(frames) == 1:
        yield from [resized(frames[0].image, edge)] * FPS
        return
    for way in (frames, frames[::-1]):
        for here, there in pairwise(way):
            first = resized(here.image, edge)
            yield first
            if _are_near(here, there):
                yield from in_between(first, resized(there.image, edge), PER_STEP - 1)
            else:
                yield from [first] * (PER_STEP - 1)


def _are_near(a: Frame, b: Frame) -> bool:
    turns = ((a.cell.yaw, b.cell.yaw), (a.cell.pitch, b.cell.pitch))
    return all(abs((one or 0.0) - (other or 0.0)) <= MOST_TURN for one, other in turns)
