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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facegen.backdrops import FACE, Backdrop
from facegen.clothing import FACE as OF_FACE
from facegen.clothing import Clothing
from facegen.errors import UsageError
from facegen.latents import NUM_WS, W_DIM, as_w_plus
from facegen.masks import Mask

NUM_LANDMARKS = 68
MAX_OPERATIONS = 1000
MAX_IN_PICTURE = 16
"""Of those done in one picture, each of which takes up to a second."""
LARGEST_EDGE = 4096
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


@dataclass(frozen=True, repr=False)
class Clothes:
    """Other clothes on the person. In the picture; make it with `Clothes.of`.

    Attributes:
        clothing: Which.
        worn: Where clothes are: uint8 [256, 256], as `Background.person`.
        latent: For the clothes of another face, what the network draws under them: float32
            [18, 512], little-endian; the person's own in the rows that draw shapes.
    """

    op: ClassVar[str] = "clothes"
    clothing: Clothing
    worn: bytes
    latent: bytes = b""

    @classmethod
    def of(cls, clothing: Clothing, worn: Mask, latent: np.ndarray | None = None) -> Clothes:
        """Dress somebody; the latent, [18, 512], for the clothes of another face.

        Raises:
            LatentError: the latent has another shape, or numbers that are not finite.
            UsageError: there is a latent and none is wanted, or the other way round.
        """
        if (latent is not None) != (clothing.kind == OF_FACE):
            raise UsageError("The clothes of another face need a latent, a colour needs none.")
        if latent is None:
            return cls(clothing, worn.data)
        latent = as_w_plus(latent, what="The latent whose clothes are worn")
        return cls(clothing, worn.data, latent.astype("<f4").tobytes())

    @property
    def w_plus(self) -> np.ndarray | None:
        """The latent, float32 [18, 512], of the clothes of another face."""
        return np.frombuffer(self.latent, "<f4").reshape(NUM_WS, W_DIM) if self.latent else None

    def __repr__(self) -> str:
        """Names what it holds by digests: the bytes would fill pages."""
        held = hashlib.sha256(self.worn + self.latent).hexdigest()[:16]
        return f"Clothes({self.clothing!r}, {held})"


@dataclass(frozen=True, repr=False)
class Background:
    """The person put before another background. In the picture; make it with `Background.of`.

    Attributes:
        backdrop: Which.
        person: Who stays: uint8 [256, 256], not packed; 255 surely, 0 surely not, between them
            colours decide (`facegen.retouch.matte`).
        latent: For the background of another face, its latent: float32 [18, 512], little-endian.
        latent_person: Who stands there, likewise.
    """

    op: ClassVar[str] = "background"
    backdrop: Backdrop
    person: bytes
    latent: bytes = b""
    latent_person: bytes = b""

    @classmethod
    def of(
        cls, backdrop: Backdrop, person: Mask, other: tuple[np.ndarray, Mask] | None = None
    ) -> Background:
        """Put somebody before another background.

        Args:
            backdrop: Which.
            person: Where they stand in their picture.
            other: For the background of another face: its latent, [18, 512], and where the person
                stands in its picture.

        Raises:
            LatentError: the latent has another shape, or numbers that are not finite.
            UsageError: there is another face and none is wanted, or the other way round.
        """
        if (other is not None) != (backdrop.kind == FACE):
            raise UsageError(
                "The background of another face needs its latent and where its person stands; "
                "others need neither."
            )
        if other is None:
            return cls(backdrop, person.data)
        latent = as_w_plus(other[0], what="The latent whose background is taken")
        return cls(backdrop, person.data, latent.astype("<f4").tobytes(), other[1].data)

    @property
    def other(self) -> tuple[np.ndarray, Mask] | None:
        """The latent, float32 [18, 512], whose background it is, and who stands there."""
        if self.backdrop.kind != FACE:
            return None
        w_plus = np.frombuffer(self.latent, "<f4").reshape(NUM_WS, W_DIM)
        return w_plus, Mask(self.latent_person)

    def __repr__(self) -> str:
        """Names what it holds by digests: the bytes would fill pages."""
        held = hashlib.sha256(self.person + self.latent + self.latent_person).hexdigest()[:16]
        return f"Background({self.backdrop!r}, {held})"


@dataclass(frozen=True, repr=False)
class ContinueBackground:
    """Where a part was edited, the background of the kept picture instead of the edited one's.

    In the picture, after `KeepRest`: what hair that became shorter uncovers is what was around it,
    drawn on, and not the background of another latent. Make it with `ContinueBackground.of`.

    Attributes:
        latent: Of the picture whose background it is: float32 [18, 512], little-endian.
        person: Who stays: uint8 [256, 256], not packed; see `Background`.
        latent_person: Who stands in the picture of `latent`, likewise.
        mask: Where it is done, likewise: the region of the edit.
    """

    op: ClassVar[str] = "continue_background"
    latent: bytes
    person: bytes
    latent_person: bytes
    mask: bytes

    @classmethod
    def of(
        cls, w_plus: np.ndarray, *, person: Mask, latent_person: Mask, region: Mask
    ) -> ContinueBackground:
        """Continue the background of a latent's picture.

        Raises:
            LatentError: w_plus has another shape, or numbers that are not finite.
        """
        latent = as_w_plus(w_plus, what="The latent whose background is continued")
        return cls(latent.astype("<f4").tobytes(), person.data, latent_person.data, region.data)

    @property
    def w_plus(self) -> np.ndarray:
        """The latent, float32 [18, 512], read-only."""
        return np.frombuffer(self.latent, "<f4").reshape(NUM_WS, W_DIM)

    def __repr__(self) -> str:
        """Names what it holds by a digest: the bytes would fill pages."""
        held = self.latent + self.person + self.latent_person + self.mask
        return f"ContinueBackground({hashlib.sha256(held).hexdigest()[:16]})"


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
    | ContinueBackground
    | TurnEyes
    | RaiseEyes
    | CloseEye
    | PullPoints
    | Clothes
    | Background
    | MovePicture
    | ResizePicture
    | UnknownOperation
)
Operation = LatentOperation | PixelOperation
PIXEL_OPERATIONS = (
    KeepRest, ContinueBackground, TurnEyes, RaiseEyes, CloseEye, PullPoints, Clothes, Background,
    MovePicture, ResizePicture, UnknownOperation,
)  # fmt: skip
LANDMARK_OPERATIONS = (TurnEyes, RaiseEyes, CloseEye, PullPoints)
BOUND_OPERATIONS = (KeepRest, ContinueBackground, *LANDMARK_OPERATIONS, Clothes, Background)
"""What hangs on places of the picture it was planned for, and is wrong in another one."""
LAST_OPERATIONS = (MovePicture, ResizePicture, UnknownOperation)
"""What is done with the whole picture, after its background."""


def with_background(
    operations: Sequence[PixelOperation], background: Background | None
) -> tuple[PixelOperation, ...]:
    """Operations with this background in place of what they have, where it belongs.

    Args:
        operations: Of a picture, in order.
        background: None for the picture's own.
    """
    others = [entry for entry in operations if not isinstance(entry, Background)]
    return _placed(others, background, LAST_OPERATIONS)


def with_clothes(
    operations: Sequence[PixelOperation], clothes: Clothes | None
) -> tuple[PixelOperation, ...]:
    """Operations with these clothes in place of those they have; None for the picture's own."""
    others = [entry for entry in operations if not isinstance(entry, Clothes)]
    return _placed(others, clothes, (Background, *LAST_OPERATIONS))


def clothes_among(operations: Sequence[Operation]) -> Clothes | None:
    """What somebody wears in place of their own clothes, if anything."""
    return next((entry for entry in operations if isinstance(entry, Clothes)), None)


def _placed(
    others: Sequence[PixelOperation], one: PixelOperation | None, later: tuple[type, ...]
) -> tuple[PixelOperation, ...]:
    if one is None:
        return tuple(others)
    at = next((k for k, entry in enumerate(others) if isinstance(entry, later)), len(others))
    return (*others[:at], one, *others[at:])


def background_among(operations: Sequence[Operation]) -> Background | None:
    """The background that somebody is put before, if any."""
    return next((entry for entry in operations if isinstance(entry, Background)), None)


def points_of(landmarks: np.ndarray) -> Points:
    """Landmarks [68, 2] as an operation keeps them."""
    return tuple((float(x), float(y)) for x, y in landmarks)
