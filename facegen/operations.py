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

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facegen.latents import NUM_WS, W_DIM, as_w_plus
from facegen.masks import Mask

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
