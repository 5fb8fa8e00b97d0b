"""Operations as plain JSON values, and back: what a face file may hold.

Nothing here is executed: a record names one of the kinds of `facegen.operations` and gives numbers.
Each is checked before it is taken; a kind that this version does not know is kept as it came.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from facegen.backdrops import FACE, Backdrop
from facegen.clothing import FACE as OF_FACE
from facegen.clothing import Clothing
from facegen.errors import UsageError
from facegen.latents import LARGEST, NUM_WS, W_DIM
from facegen.masks import MASK_BYTES, Mask
from facegen.operations import (
    LARGEST_EDGE,
    LAST_OPERATIONS,
    LATENT_BYTES,
    MAX_IN_PICTURE,
    MAX_OPERATIONS,
    MAX_PULLS,
    MAX_TEXT,
    NUM_LANDMARKS,
    PIXEL_OPERATIONS,
    Background,
    CloseEye,
    Clothes,
    ContinueBackground,
    DialMove,
    KeepRest,
    MovePicture,
    Operation,
    Points,
    Pose,
    PullPoints,
    RaiseEyes,
    ResizePicture,
    TurnEyes,
    UnknownOperation,
    Wear,
)

CONTINUED_MASKS = ("person", "latent_person", "mask")


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
    if isinstance(operation, ContinueBackground):
        masks = {name: pack_mask(Mask(getattr(operation, name))) for name in CONTINUED_MASKS}
        return fields | {"latent": pack_latent(operation.w_plus), **masks}
    if isinstance(operation, Background):
        return fields | _background_fields(operation)
    if isinstance(operation, Clothes):
        fields |= {**vars(operation.clothing), "worn": pack_mask(Mask(operation.worn))}
        dressed = operation.w_plus
        return fields if dressed is None else fields | {"latent": pack_latent(dressed)}
    for name, value in vars(operation).items():
        if isinstance(value, bytes):
            value = pack_latent(np.frombuffer(value, "<f4").reshape(NUM_WS, W_DIM))
        fields[name] = value
    return fields


def _background_fields(operation: Background) -> dict[str, Any]:
    fields: dict[str, Any] = {
        **vars(operation.backdrop),
        "person": pack_mask(Mask(operation.person)),
    }
    if operation.other is not None:
        w_plus, person = operation.other
        fields |= {"latent": pack_latent(w_plus), "latent_person": pack_mask(person)}
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
    if sum(isinstance(entry, ContinueBackground) for entry in in_picture) > 1:
        raise ValueError("a background is continued once")
    _require_last(in_picture, Background, LAST_OPERATIONS)
    _require_last(in_picture, Clothes, (Background, *LAST_OPERATIONS))
    if any(isinstance(entry, ResizePicture) for entry in in_picture[:-1]):
        raise ValueError("a picture is enlarged once, after all that is done in it")
    if len(in_picture) > MAX_IN_PICTURE:
        raise ValueError(f"at most {MAX_IN_PICTURE} things are done in a picture")
    return operations


def _require_last(
    in_picture: Sequence[Operation], kind: type[Operation], later: tuple[type, ...]
) -> None:
    """Refuse two of a kind, and one that is not after all but what comes `later`."""
    places = [k for k, entry in enumerate(in_picture) if isinstance(entry, kind)]
    if len(places) > 1:
        raise ValueError(f"a face has one operation '{kind.op}'")
    if places and not all(isinstance(e, later) for e in in_picture[places[0] + 1 :]):
        raise ValueError(f"'{kind.op}' comes after all that is done with the face")


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
    latent = _bounded_latent(record["latent"], "the latent of what is kept")
    if not isinstance(record["small"], bool):
        raise ValueError("a mask is small or not")
    mask = _mask(record["mask"], small=record["small"])
    return KeepRest(latent.tobytes(), mask.data, mask.small)


def _read_background(record: Mapping[str, Any]) -> Background:
    try:
        backdrop = Backdrop(
            _text(record["kind"]), _number(record["strength"], 0, 1), _text(record["colour"])
        )
    except UsageError as err:
        raise ValueError(str(err)) from err
    person = _mask(record["person"])
    if backdrop.kind != FACE:
        return Background(backdrop, person.data)
    latent = _bounded_latent(record["latent"], "the latent whose background is taken")
    return Background(backdrop, person.data, latent.tobytes(), _mask(record["latent_person"]).data)


def _read_clothes(record: Mapping[str, Any]) -> Clothes:
    try:
        clothing = Clothing(_text(record["kind"]), _text(record["colour"]))
    except UsageError as err:
        raise ValueError(str(err)) from err
    worn = _mask(record["worn"])
    if clothing.kind != OF_FACE:
        return Clothes(clothing, worn.data)
    latent = _bounded_latent(record["latent"], "the latent whose clothes are worn")
    return Clothes(clothing, worn.data, latent.tobytes())


def _read_continued(record: Mapping[str, Any]) -> ContinueBackground:
    latent = _bounded_latent(record["latent"], "the latent whose background is continued")
    masks = (_mask(record[name]).data for name in CONTINUED_MASKS)
    return ContinueBackground(latent.tobytes(), *masks)


def _bounded_latent(packed: object, what: str) -> np.ndarray:
    latent = unpack_latent(_long_text(packed))
    if not (np.abs(latent) <= LARGEST).all():  # of NaN no comparison is true
        raise ValueError(f"{what} is out of range")
    return latent


def _mask(packed: object, *, small: bool = False) -> Mask:
    if not isinstance(packed, str) or len(packed) > 2 * MASK_BYTES:
        raise ValueError("a packed mask is not a text")
    return Mask.unpack(base64.b64decode(packed, validate=True), small=small)


def _long_text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2 * LATENT_BYTES:
        raise ValueError("a packed latent is not a text")
    return value


def _read_resize(record: Mapping[str, Any]) -> ResizePicture:
    if record["method"] not in ("lanczos", "bilinear"):
        raise ValueError("a picture is enlarged by lanczos or bilinear")
    return ResizePicture(int(_number(record["edge"], 16, LARGEST_EDGE)), record["method"])


_READERS: dict[str, Any] = {
    DialMove.op: lambda r: DialMove(
        _text(r["dial"]), _number(r["delta"]), _number(r.get("corrected", 0.0))
    ),
    Pose.op: lambda r: Pose(_angle(r["yaw"]), _angle(r["pitch"])),
    Wear.op: lambda r: Wear(_text(r["expression"]), _number(r["strength"], 0, 1)),
    KeepRest.op: _read_keep_rest,
    ContinueBackground.op: _read_continued,
    TurnEyes.op: lambda r: TurnEyes(_number(r["degrees"], -90, 90), _points(r["landmarks"])),
    RaiseEyes.op: lambda r: RaiseEyes(_number(r["degrees"], -90, 90), _points(r["landmarks"])),
    CloseEye.op: _read_close_eye,
    PullPoints.op: _read_pull,
    Clothes.op: _read_clothes,
    Background.op: _read_background,
    MovePicture.op: lambda r: MovePicture(
        _number(r["roll"], -180, 180),
        _number(r["shift_x"], -2, 2),
        _number(r["shift_y"], -2, 2),
        _number(r["zoom"], 0.01, 100),
    ),
    ResizePicture.op: _read_resize,
}
