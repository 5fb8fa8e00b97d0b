"""What was done to a face, as named values in order.

Some operations went into the latent and are recorded as its history: a dial moved, a head turned,
an expression. The others are done in the picture after the network drew it, or while it draws
(`KeepRest`), and a face file holds all they need (landmarks, the latent of the closed eyes), so
that the same pixels come back in every program that reads it. How they are done is
`facegen.retouch.apply`'s.

Nothing here is executed: a record names one of the kinds below and gives numbers. A kind that this
version does not know is kept as it came, shown, and refused where a picture is to be made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from facegen.latents import LARGEST, NUM_WS, W_DIM, as_w_plus
from facegen.masks import MASK_BYTES, Mask

NUM_LANDMARKS = 68
MAX_OPERATIONS = 1000
MAX_TEXT = 200
MAX_PULLS = 100
LATENT_BYTES = NUM_WS * W_DIM * 4

Points = tuple[tuple[float, float], ...]
"""68 landmarks, x and y in fractions of the picture's edge."""


DELTA_DIGITS = 3
"""Decimals of a dial's move: links and files tell it exactly, and a face is made of that."""


def told(delta: float) -> float:
    """A dial's move as it is told."""
    return round(float(delta), DELTA_DIGITS) + 0.0


@dataclass(frozen=True)
class DialMove:
    """One dial moved by `delta`, in the dial's unit (degrees, years, or standard deviations).

    `corrected` is how much of that was asked only because the picture fell short of what was
    wanted; older files do not tell it.
    """

    op: ClassVar[str] = "dial"
    dial: str
    delta: float
    corrected: float = 0.0


@dataclass(frozen=True)
class Pose:
    """The head turned to angles in degrees; None left an angle as it was. In the latent."""

    op: ClassVar[str] = "pose"
    yaw: float | None = None
    pitch: float | None = None


@dataclass(frozen=True)
class Wear:
    """An expression by name, with a strength from 0 to 1. In the latent."""

    op: ClassVar[str] = "expression"
    expression: str
    strength: float = 1.0


@dataclass(frozen=True, repr=False)
class KeepRest:
    """Outside of a mask the picture is that of another latent, to the last bit.

    The network draws both in one; it comes before all that is done in the finished picture. Make
    it with `KeepRest.of`.

    Attributes:
        latent: Of the picture that is kept: float32 [18, 512], little-endian.
        mask: Where the face's own latent shows: uint8 [256, 256], not packed.
        small: See `facegen.masks.Mask`.
    """

    op: ClassVar[str] = "keep_rest"
    latent: bytes
    mask: bytes
    small: bool = False

    @classmethod
    def of(cls, w_plus: np.ndarray, mask: Mask) -> KeepRest:
        """Keep the picture of a latent outside of a mask.

        Raises:
            LatentError: w_plus has another shape, or numbers that are not finite.
        """
        latent = as_w_plus(w_plus, what="The latent whose picture is kept")
        return cls(latent.astype("<f4").tobytes(), mask.data, mask.small)

    @property
    def w_plus(self) -> np.ndarray:
        """The latent, float32 [18, 512], read-only."""
        return np.frombuffer(self.latent, "<f4").reshape(NUM_WS, W_DIM)

    @property
    def region(self) -> Mask:
        """The mask as a value."""
        return Mask(self.mask, self.small)

    def __repr__(self) -> str:
        """Names what it holds by digests: the bytes would fill pages."""
        latent = hashlib.sha256(self.latent).hexdigest()[:16]
        return f"KeepRest(latent={latent}, mask={self.region.digest})"


@dataclass(frozen=True)
class TurnEyes:
    """Both irises moved to look `degrees` to the picture's right. In the picture."""

    op: ClassVar[str] = "turn_eyes"
    degrees: float
    landmarks: Points


@dataclass(frozen=True)
class RaiseEyes:
    """Irises and lids raised by `degrees`. In the picture."""

    op: ClassVar[str] = "raise_eyes"
    degrees: float
    landmarks: Points


@dataclass(frozen=True)
class CloseEye:
    """One eye closed with the lids of a picture in which both are. In the picture.

    Attributes:
        side: "left" or "right" of the picture.
        landmarks: Of the picture.
        closed: The latent of the same face with closed eyes: float32 [18, 512], little-endian.
        closed_landmarks: Of that latent's picture.
        strength: With which the eyes of `closed` were closed, 0 to 1.
    """

    op: ClassVar[str] = "close_eye"
    side: str
    landmarks: Points
    closed: bytes
    closed_landmarks: Points
    strength: float = 1.0


@dataclass(frozen=True)
class PullPoints:
    """Places of the face pulled, as `facegen.retouch.warp.Pull` describes. In the picture.

    Attributes:
        pulls: (left landmarks, right landmarks, push, reach, rise) each.
        strength: 0 to 1.
        landmarks: Of the picture.
    """

    op: ClassVar[str] = "pull"
    pulls: tuple[
        tuple[tuple[int, ...], tuple[int, ...], tuple[float, float], tuple[float, float], float],
        ...,
    ]
    strength: float
    landmarks: Points


@dataclass(frozen=True)
class MovePicture:
    """The finished picture rolled, shifted and zoomed, as `facegen.retouch.transform.Motion`."""

    op: ClassVar[str] = "move_picture"
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    zoom: float = 1.0


@dataclass(frozen=True)
class ResizePicture:
    """The finished picture enlarged to `edge` pixels by interpolation: "lanczos" or "bilinear"."""

    op: ClassVar[str] = "resize_picture"
    edge: int
    method: str


@dataclass(frozen=True)
class UnknownOperation:
    """What a newer version did. Kept as it came; a picture cannot be made with it.

    Attributes:
        name: Its kind.
        text: Its record as JSON, keys sorted.
    """

    op: ClassVar[str] = "unknown"
    name: str
    text: str


LatentOperation = DialMove | Pose | Wear
PixelOperation = (
    KeepRest
    | TurnEyes
    | RaiseEyes
    | CloseEye
    | PullPoints
    | MovePicture
    | ResizePicture
    | UnknownOperation
)
Operation = LatentOperation | PixelOperation
PIXEL_OPERATIONS = (
    KeepRest, TurnEyes, RaiseEyes, CloseEye, PullPoints, MovePicture, ResizePicture,
    UnknownOperation,
)  # fmt: skip
LANDMARK_OPERATIONS = (TurnEyes, RaiseEyes, CloseEye, PullPoints)
BOUND_OPERATIONS = (KeepRest, *LANDMARK_OPERATIONS)
"""What hangs on places of the picture it was planned for, and is wrong in another one."""


def points_of(landmarks: np.ndarray) -> Points:
    """Landmarks [68, 2] as an operation keeps them."""
    return tuple((float(x), float(y)) for x, y in landmarks)


def pack_latent(w_plus: np.ndarray) -> str:
    """A latent [18, 512] as text: float32 little-endian, zlib, base64."""
    return base64.b64encode(zlib.compress(w_plus.astype("<f4").tobytes(), 6)).decode("ascii")


def unpack_latent(text: str) -> np.ndarray:
    """The latent of such a text, [18, 512].

    Raises:
        ValueError: another length, or no such text.
    """
    packed = base64.b64decode(text, validate=True)
    try:
        data = zlib.decompressobj().decompress(packed, LATENT_BYTES + 1)
    except zlib.error as err:
        raise ValueError("the packed latent is damaged") from err
    if len(data) != LATENT_BYTES:
        raise ValueError("the packed latent has the wrong length")
    return np.frombuffer(data, "<f4").reshape(NUM_WS, W_DIM)


def pack_mask(mask: Mask) -> str:
    """A mask as text: uint8, zlib, base64."""
    return base64.b64encode(mask.pack()).decode("ascii")


def to_record(operation: Operation) -> dict[str, Any]:
    """An operation as plain JSON values; `from_record` reads it back, equal to the last bit."""
    if isinstance(operation, UnknownOperation):
        kept: dict[str, Any] = json.loads(operation.text)
        return kept
    fields: dict[str, Any] = {"op": operation.op}
    if isinstance(operation, KeepRest):
        latent, mask = pack_latent(operation.w_plus), pack_mask(operation.region)
        return fields | {"latent": latent, "mask": mask, "small": operation.small}
    for name, value in vars(operation).items():
        if isinstance(value, bytes):
            value = pack_latent(np.frombuffer(value, "<f4").reshape(NUM_WS, W_DIM))
        fields[name] = value
    return fields


def from_record(record: Mapping[str, Any]) -> Operation:
    """Read an operation from JSON values.

    Raises:
        ValueError, TypeError, KeyError: not what such an operation holds.
    """
    reader = _READERS.get(_text(record["op"]))
    if reader is None:
        return UnknownOperation(_text(record["op"]), json.dumps(dict(record), sort_keys=True))
    return reader(record)


def from_records(records: Sequence[Mapping[str, Any]]) -> tuple[Operation, ...]:
    """Read all operations of a file, in order.

    Raises:
        ValueError, TypeError, KeyError: damaged, or too many.
    """
    if not isinstance(records, list) or len(records) > MAX_OPERATIONS:
        raise ValueError(f"operations must be a list of at most {MAX_OPERATIONS}")
    operations = tuple(from_record(record) for record in records)
    in_picture = [entry for entry in operations if isinstance(entry, PIXEL_OPERATIONS)]
    if any(isinstance(entry, KeepRest) for entry in in_picture[1:]):
        raise ValueError("the rest is kept once, before all that is done in the picture")
    return operations


def describe(operation: Operation) -> str:
    """One line that says what was done, for people."""
    match operation:
        case DialMove(dial, delta):
            return f"{dial} {delta:+.3g}" if delta else f"{dial} held"
        case Pose(yaw, pitch):
            angles = [("yaw", yaw), ("pitch", pitch)]
            return "pose " + ", ".join(f"{n} {v:+g}°" for n, v in angles if v is not None)
        case Wear(expression, strength):
            return f"expression {expression}" + (f" {strength:.0%}" if strength != 1 else "")
        case KeepRest():
            return f"the rest kept: {operation.region.share:.1%} of the picture changed"
        case TurnEyes(degrees):
            return f"eyes turned to {degrees:+g}° (in the picture)"
        case RaiseEyes(degrees):
            return f"eyes raised by {degrees:+g}° (in the picture)"
        case CloseEye(side):
            return f"{side} eye closed (in the picture)"
        case PullPoints(pulls, strength):
            return f"{len(pulls)} places pulled, strength {strength:g} (in the picture)"
        case MovePicture(roll, x, y, zoom):
            return f"roll {roll:+g}°, shift {x:+g} {y:+g}, zoom {zoom:g} (in the picture)"
        case ResizePicture(edge, method):
            return f"enlarged to {edge} px, {method} (in the picture)"
        case UnknownOperation(name):
            return f"{name}: not known to this version"
    raise AssertionError(operation)


# --- readers: what a file may hold -----------------------------------------------------------


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("a text field is not a short text")
    return value


def _number(value: object, low: float = -math.inf, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is not a number")
    try:
        number = float(value)
    except OverflowError as err:  # a whole number of hundreds of digits
        raise ValueError("a number is out of range") from err
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError("a number is out of range")
    return number


def _angle(value: object) -> float | None:
    return None if value is None else _number(value, -180, 180)


def _points(value: Any) -> Points:
    if len(value) != NUM_LANDMARKS:
        raise ValueError(f"{NUM_LANDMARKS} landmarks are needed")
    return tuple((_number(x, -2, 3), _number(y, -2, 3)) for x, y in value)


def _side(value: object) -> str:
    if value not in ("left", "right"):
        raise ValueError("a side is left or right")
    return str(value)


def _pull(value: Any) -> Any:
    left, right, push, reach, rise = value
    sides = tuple(tuple(_landmark(k) for k in side) for side in (left, right))
    if not sides[0]:
        raise ValueError("a pull needs landmarks")
    across, up = (_number(x, 1e-3, 10) for x in reach)
    out, high = (_number(x, -10, 10) for x in push)
    return (*sides, (out, high), (across, up), _number(rise, 1e-3, 100))


def _landmark(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < NUM_LANDMARKS:
        raise ValueError("a landmark is a number from 0 to 67")
    return value


def _read_pull(record: Mapping[str, Any]) -> PullPoints:
    pulls = record["pulls"]
    if len(pulls) > MAX_PULLS:
        raise ValueError("too many pulls")
    strength = _number(record["strength"], 0, 1)
    return PullPoints(tuple(_pull(p) for p in pulls), strength, _points(record["landmarks"]))


def _read_close_eye(record: Mapping[str, Any]) -> CloseEye:
    closed = unpack_latent(_long_text(record["closed"]))
    if not np.isfinite(closed).all():
        raise ValueError("the latent of the closed eyes is not finite")
    return CloseEye(
        _side(record["side"]),
        _points(record["landmarks"]),
        closed.tobytes(),
        _points(record["closed_landmarks"]),
        _number(record["strength"], 0, 1),
    )


def _read_keep_rest(record: Mapping[str, Any]) -> KeepRest:
    latent = unpack_latent(_long_text(record["latent"]))
    if not (np.abs(latent) <= LARGEST).all():  # of NaN no comparison is true
        raise ValueError("the latent of what is kept is out of range")
    packed = record["mask"]
    if not isinstance(packed, str) or len(packed) > 2 * MASK_BYTES:
        raise ValueError("a packed mask is not a text")
    if not isinstance(record["small"], bool):
        raise ValueError("a mask is small or not")
    mask = Mask.unpack(base64.b64decode(packed, validate=True), small=record["small"])
    return KeepRest(latent.tobytes(), mask.data, mask.small)


def _long_text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2 * LATENT_BYTES:
        raise ValueError("a packed latent is not a text")
    return value


def _read_resize(record: Mapping[str, Any]) -> ResizePicture:
    if record["method"] not in ("lanczos", "bilinear"):
        raise ValueError("a picture is enlarged by lanczos or bilinear")
    return ResizePicture(int(_number(record["edge"], 16, 8192)), record["method"])


_READERS: dict[str, Any] = {
    DialMove.op: lambda r: DialMove(
        _text(r["dial"]), _number(r["delta"]), _number(r.get("corrected", 0.0))
    ),
    Pose.op: lambda r: Pose(_angle(r["yaw"]), _angle(r["pitch"])),
    Wear.op: lambda r: Wear(_text(r["expression"]), _number(r["strength"], 0, 1)),
    KeepRest.op: _read_keep_rest,
    TurnEyes.op: lambda r: TurnEyes(_number(r["degrees"], -90, 90), _points(r["landmarks"])),
    RaiseEyes.op: lambda r: RaiseEyes(_number(r["degrees"], -90, 90), _points(r["landmarks"])),
    CloseEye.op: _read_close_eye,
    PullPoints.op: _read_pull,
    MovePicture.op: lambda r: MovePicture(
        _number(r["roll"], -180, 180),
        _number(r["shift_x"], -2, 2),
        _number(r["shift_y"], -2, 2),
        _number(r["zoom"], 0.01, 100),
    ),
    ResizePicture.op: _read_resize,
}
