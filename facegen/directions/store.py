"""Direction files: one dial each, data only, checked on the way in.

`directions/<space>/<name>.npz` holds `vector`, float32 [18, 512]: what one unit of the dial adds
to a w_plus. `<name>.json` beside it says what it is (see `DirectionMeta`).
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from facegen.errors import BadFileError, SpaceMismatchError
from facegen.files import write_atomic
from facegen.latents import NUM_WS, W_DIM
from facegen.paths import DIRECTIONS_DIR, shipped
from facegen.records import RecordError, parse_record

FORMAT = 1
MAX_FILE_BYTES = 16_000_000
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class DirectionMeta:
    """What is known about a direction.

    Attributes:
        name, title, group, unit: As in `facegen.controls.Dial`.
        space: Latent space the vector lives in.
        unit_per_sd: Units of the dial in one standard deviation of the natural spread.
        mean: Where the average face stands, in the unit.
        natural: 1st and 99th percentile of generated faces, in the unit.
        safe: Range in which a face stays a face, in the unit.
        rows: First row it acts on, and one past the last.
        score: Cross-validated correlation of the reading with what was measured or labelled.
        channel: The measurement or label it was learned from.
        measured: How: "labels" (by eye) or the name of the instrument.
        samples: Number of faces it was learned from.
        seeds: Which ones.
        channel_sd: Standard deviation of the channel over the samples, in the channel's own unit.
        channel_mean: Mean of the channel over the samples, likewise.
        gain: Change of the picture's measurement per unit before calibration; None if not known.
        leakage: The other measurements it moves most, in their standard deviations per own
            standard deviation.
        licence: Of the numbers.
    """

    name: str
    title: str
    group: str
    unit: str
    space: str
    unit_per_sd: Annotated[float, Meta(gt=0)]
    mean: float
    natural: tuple[float, float]
    safe: tuple[float, float]
    rows: tuple[int, int]
    score: float
    channel: str
    measured: str
    samples: int
    seeds: str
    channel_sd: Annotated[float, Meta(gt=0)]
    channel_mean: float
    gain: float | None = None
    leakage: dict[str, float] = field(default_factory=dict)
    licence: str = "CC0-1.0"


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction: `vector` [18, 512] float32 per unit of its dial, and what is known of it."""

    meta: DirectionMeta
    vector: np.ndarray


def direction_names(space: str, *, folder: Path = DIRECTIONS_DIR) -> tuple[str, ...]:
    """Names of the directions stored for a space, sorted; empty if there are none."""
    place = shipped(folder) if folder == DIRECTIONS_DIR else folder
    return tuple(sorted(path.stem for path in (place / space).glob("*.json")))


def write_direction(direction: Direction, *, folder: Path = DIRECTIONS_DIR) -> None:
    """Write both files of a direction; equal directions give equal bytes."""
    place = folder / direction.meta.space
    text = json.dumps({"format": FORMAT} | asdict(direction.meta), indent=1, sort_keys=True)
    write_atomic(
        place / f"{direction.meta.name}.npz",
        npz_bytes({"vector": _checked(direction.vector, direction.meta.name)}),
    )
    write_atomic(place / f"{direction.meta.name}.json", (text + "\n").encode())


def read_direction(space: str, name: str, *, folder: Path = DIRECTIONS_DIR) -> Direction:
    """Read a direction.

    Raises:
        BadFileError: a file is missing, damaged, or holds something else than it should.
        SpaceMismatchError: the direction belongs to another space.
    """
    path = folder / space / f"{name}.json"
    meta = _read_meta(path)
    if meta.space != space:
        raise SpaceMismatchError(
            f"{path.name} is a direction of the space '{meta.space}', not of '{space}'. Learn one "
            "for this space with `python -m facegen directions learn`."
        )
    arrays = read_npz(path.with_suffix(".npz"))
    if set(arrays) != {"vector"}:
        raise _bad(path.with_suffix(".npz"), "it must hold one array called vector")
    return Direction(meta, _checked(arrays["vector"], path.with_suffix(".npz").name))


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """A compressed npz without time stamps, so that equal arrays give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in sorted(arrays.items()):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), member.getvalue(),
                             zipfile.ZIP_DEFLATED, 9)  # fmt: skip
    return out.getvalue()


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a small npz, as data only.

    Raises:
        BadFileError: missing, not an npz, too large, or it holds objects (a pickle).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_FILE_BYTES:
                raise _bad(path, "it unpacks to more than a direction can need")
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except FileNotFoundError as err:
        raise _bad(path, "the file is missing") from err
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as err:
        raise _bad(path, "it is not an npz of plain arrays") from err


@dataclass(frozen=True)
class _Header:
    """What comes before anything else in a direction's JSON."""

    format: int


def _read_meta(path: Path) -> DirectionMeta:
    try:
        data = path.read_bytes()
        if parse_record(data, _Header).format != FORMAT:
            raise _bad(path, f"this program reads format {FORMAT}")
        meta = parse_record(data, DirectionMeta)
    except FileNotFoundError as err:
        raise _bad(path, "the file is missing") from err
    except RecordError as err:
        raise _bad(path, str(err)) from err
    except OSError as err:
        raise _bad(path, f"it cannot be read ({err.strerror})") from err
    for key in ("natural", "safe", "rows"):
        low, high = getattr(meta, key)
        if not low < high:
            raise _bad(path, f"{key} must rise")
    return meta


def _checked(vector: np.ndarray, name: str) -> np.ndarray:
    vector = np.asarray(vector)
    if vector.shape != (NUM_WS, W_DIM) or vector.dtype.kind != "f":
        shape = ", ".join(str(length) for length in vector.shape)
        raise BadFileError(
            f"The direction {name} must be floats of shape ({NUM_WS}, {W_DIM}), got ({shape}). "
            "Restore the file or learn it anew with `python -m facegen directions learn`."
        )
    if not np.isfinite(vector).all():
        raise BadFileError(
            f"The direction {name} holds NaN or infinite numbers. "
            "Restore the file or learn it anew with `python -m facegen directions learn`."
        )
    return vector.astype(np.float32)


def _bad(path: Path, why: str) -> BadFileError:
    return BadFileError(
        f"The direction file {path.name} cannot be used: {why}. "
        "Restore it or learn it anew with `python -m facegen directions learn`."
    )
