"""Dials that a user made, found or brought along: one small file each, to keep and to share.

`directions/<space>/own/<name>.npz` in the user's data folder holds `vector` (what one unit adds to
a w_plus), `weights` (how the dial reads a w_plus: `(weights * w_plus).sum() + bias`), both float32
[18, 512], and `meta`, a JSON text. Numbers and text only: a file from a stranger is read as data,
and checked.

See `facegen.directions.examples` (from examples), `facegen.directions.foreign` (from other
programs) and `facegen.directions.discover`.
"""

from __future__ import annotations

import io
import json
import logging
import re
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

import numpy as np

from facegen.controls import DIALS, LINK_WORDS, Dial
from facegen.directions.examples import AUC_DIGITS, Learned
from facegen.directions.store import npz_bytes
from facegen.errors import BadFileError, FacegenError, SpaceMismatchError, UsageError
from facegen.files import write_atomic
from facegen.formats.latents import NPY_MAGIC, read_latent_bytes
from facegen.latents import NUM_WS, W_DIM
from facegen.paths import DIRECTIONS_DIR, own_dials_dir
from facegen.records import RecordError, parse_record

GROUP = "Own"
FOLDER = "own"
FORMAT = 1
Kind = Literal["examples", "foreign", "pca", "sefa"]
NAME_RULE = "small letters, digits and _, a letter first, 2 to 32 of them"
MAX_NAME, MAX_TITLE, MAX_SOURCE = 32, 40, 300
MAX_FILE_BYTES = 1 << 20
MAX_OWN_DIALS = 200
SAFE_MARGIN_SD = 1.0
_NAME = re.compile(r"[a-z][a-z0-9_]{1,31}")
_TAKEN = {entry.name for entry in DIALS} | {"identity", "own", "none", "all"} | LINK_WORDS

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OwnDial:
    """A dial of the user's; one unit is one standard deviation of generated faces.

    Attributes:
        name: Identifier in files and on the command line; see NAME_RULE.
        title: What the user reads.
        space: Latent space it belongs to.
        kind: How it was found.
        vector: What one unit adds to a w_plus, float32 [18, 512].
        weights: How it reads a w_plus, float32 [18, 512].
        bias: Added to that, so that generated faces read 0 on average.
        natural: 1st and 99th percentile of generated faces.
        rows: First row it acts on, and one past the last.
        score: Area under the ROC curve on examples left out; None unless made from examples.
        moves: Named dial -> its change per unit, predicted, in standard deviations; largest first.
        source: Where it comes from, in words.
        licence: Of the numbers, as far as known.
    """

    name: str
    title: str
    space: str
    kind: str
    vector: np.ndarray
    weights: np.ndarray
    bias: float
    natural: tuple[float, float]
    rows: tuple[int, int]
    score: float | None = None
    moves: dict[str, float] = field(default_factory=dict)
    source: str = ""
    licence: str = "CC0-1.0"

    @property
    def safe(self) -> tuple[float, float]:
        """Range that the app offers: a little beyond natural."""
        return self.natural[0] - SAFE_MARGIN_SD, self.natural[1] + SAFE_MARGIN_SD

    def read(self, w_plus: np.ndarray) -> float:
        """Where a face stands, [18, 512], in standard deviations."""
        return float(np.vdot(self.weights, w_plus)) + self.bias

    def entry(self) -> Dial:
        """Its line in the table of dials (`facegen.controls.Dial`)."""
        how = {
            "examples": "Learned from your examples",
            "foreign": "Brought along from another program",
            "pca": "Found by principal components",
            "sefa": "Found in the network's weights",
        }[self.kind]
        return Dial(self.name, self.title, GROUP, "sd", f"{how}.", "less", "more")


@dataclass(frozen=True)
class _Meta:
    """What a dial's file says about it, beside the arrays."""

    format: Literal[1]
    name: str
    title: str
    space: str
    kind: Kind
    bias: float
    natural: tuple[float, float]
    rows: tuple[int, int]
    moves: dict[str, float]
    score: float | None = None
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        first, last = self.rows
        if not 0 <= first < last <= NUM_WS:
            raise ValueError(f"rows must be within 0 to {NUM_WS} and rise")
        if not self.natural[0] < self.natural[1]:
            raise ValueError("natural must rise")


def from_learned(
    learned: Learned, *, name: str, title: str, space: str, kind: str, source: str,
    licence: str = "CC0-1.0",
) -> OwnDial:  # fmt: skip
    """A dial out of what was learned or found."""
    score = None if learned.score is None else round(learned.score, AUC_DIGITS)
    return OwnDial(
        name=checked_name(name), title=clean_title(title, name), space=space, kind=kind,
        vector=learned.vector, weights=learned.weights, bias=learned.bias,
        natural=learned.natural, rows=learned.rows, score=score, moves=learned.moves,
        source=source, licence=licence,
    )  # fmt: skip


def checked_name(name: str) -> str:
    """The name, if a dial can have it.

    Raises:
        UsageError: it breaks NAME_RULE, or one of the program's own dials has it.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"A dial's name is made of {NAME_RULE}, got '{name[:40]}'.")
    if name in _TAKEN:
        raise UsageError(
            f"'{name}' is a name of the program's own; choose another, e.g. my_{name}."
        )
    return name


def name_from_title(title: str) -> str:
    """A dial's name out of what its user calls it: small letters, digits and _.

    >>> name_from_title("Änderung: Augen!")
    'anderung_augen'
    """
    plain = unicodedata.normalize("NFKD", title)
    letters = plain.encode("ascii", "ignore").decode("ascii").lower()
    name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
    if len(name) < 2 or not name[0].isalpha():
        name = f"my_{name}".rstrip("_")
    return name[:MAX_NAME].strip("_")


def clean_title(title: str, name: str) -> str:
    """One printable line of at most MAX_TITLE characters; made from the name if empty."""
    kept = "".join(c for c in title if unicodedata.category(c)[0] != "C")
    return " ".join(kept.split())[:MAX_TITLE].strip() or name.replace("_", " ").capitalize()


def own_folder(space: str, folder: Path = DIRECTIONS_DIR) -> Path:
    """Where the user's dials of a space lie; beside named dials from elsewhere, if `folder` is."""
    return own_dials_dir(space) if folder == DIRECTIONS_DIR else folder / space / FOLDER


def own_files(space: str, folder: Path = DIRECTIONS_DIR) -> list[Path]:
    """The files of a space, by name; at most MAX_OWN_DIALS."""
    return sorted(own_folder(space, folder).glob("*.npz"))[:MAX_OWN_DIALS]


def own_state(space: str, folder: Path = DIRECTIONS_DIR) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a file is added, changed or removed: (name, time, size) of each."""
    found = []
    for path in own_files(space, folder):
        try:
            stat = path.stat()
        except OSError:
            continue  # removed since it was listed
        found.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def save_own(dial: OwnDial, *, folder: Path = DIRECTIONS_DIR, replace_old: bool = False) -> Path:
    """Keep a dial.

    Args:
        dial: To keep; it appears among the dials from now on.
        folder: As `facegen.paths.DIRECTIONS_DIR`.
        replace_old: Whether a dial of the same name may be written over.

    Returns:
        Its file.

    Raises:
        UsageError: there is one of this name already, or there are too many.
        SaveError: it cannot be written.
    """
    path = own_folder(dial.space, folder) / f"{checked_name(dial.name)}.npz"
    if path.exists() and not replace_old:
        raise UsageError(
            f"There is a dial '{dial.name}' of yours already; choose another name or remove it "
            f"with `python -m facegen directions remove {dial.name}`."
        )
    if not path.exists() and len(own_files(dial.space, folder)) >= MAX_OWN_DIALS:
        raise UsageError(f"There can be {MAX_OWN_DIALS} dials of your own; remove some first.")
    write_atomic(path, own_bytes(dial))
    return path


def own_bytes(dial: OwnDial) -> bytes:
    """The file of a dial; equal dials give equal bytes."""
    meta = {"format": FORMAT} | {
        entry.name: getattr(dial, entry.name)
        for entry in fields(OwnDial)
        if entry.name not in ("vector", "weights")
    }
    text = json.dumps(meta, ensure_ascii=False, allow_nan=False)
    arrays = {"vector": dial.vector, "weights": dial.weights}
    return npz_bytes(
        {k: np.asarray(v, np.float32) for k, v in arrays.items()} | {"meta": np.array(text)}
    )


def load_own(path: Path, *, space: str | None = None) -> OwnDial:
    """Open a dial's file.

    Args:
        path: Anything; the content decides.
        space: The space it must belong to, if that matters.

    Raises:
        BadFileError: not such a file, damaged, or too large.
        SpaceMismatchError: it belongs to another space.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFileError(f"{path.name} is larger than a dial's file can be; choose another.")
        data = path.read_bytes()
    except OSError as err:
        raise BadFileError(f"{path} cannot be opened ({err.strerror}).") from err
    dial = read_own(data, name=path.name)
    if space is not None and dial.space != space:
        raise SpaceMismatchError(
            f"{path.name} is a dial of the latent space '{dial.space}', but the loaded model has "
            f"'{space}'; use it with a model of its space."
        )
    return dial


def is_own(data: bytes) -> bool:
    """Whether bytes look like a dial's file (and not another npz)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {"vector.npy", "weights.npy", "meta.npy"} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read_own(data: bytes, *, name: str) -> OwnDial:
    """A dial out of untrusted bytes.

    Args:
        data: The whole file.
        name: File name for errors.

    Raises:
        BadFileError: see `load_own`.
    """
    arrays = _arrays(data, name)
    if set(arrays) != {"vector", "weights", "meta"} or arrays["meta"].dtype.kind != "U":
        raise _bad(name, "it must hold vector, weights and meta")
    for key in ("vector", "weights"):
        array = arrays[key]
        if array.shape != (NUM_WS, W_DIM) or array.dtype.kind != "f":
            raise _bad(name, f"{key} must be floats of shape ({NUM_WS}, {W_DIM})")
        if not np.isfinite(array).all() or not np.any(array):
            raise _bad(name, f"{key} must be finite and not all zero")
    try:
        meta = parse_record(str(arrays["meta"].reshape(()).item()), _Meta)
        dial_name = checked_name(meta.name)
    except RecordError as err:
        raise _bad(name, f"in what it says about itself, {err}") from err
    except (ValueError, UsageError) as err:
        raise _bad(name, str(err).rstrip(".")) from err
    return OwnDial(
        name=dial_name, title=clean_title(meta.title, dial_name), space=meta.space[:80],
        kind=meta.kind, vector=arrays["vector"].astype(np.float32),
        weights=arrays["weights"].astype(np.float32), bias=meta.bias, natural=meta.natural,
        rows=meta.rows, score=meta.score, moves={k[:40]: v for k, v in meta.moves.items()},
        source=clean_line(meta.source), licence=clean_line(meta.licence)[:80],
    )  # fmt: skip


def list_own(space: str, *, folder: Path = DIRECTIONS_DIR) -> dict[str, OwnDial]:
    """The user's dials of a space by name; damaged files are left out (see `damaged_own`)."""
    dials, bad = _read_all(space, folder)
    for sentence in bad.values():
        log.warning("%s", sentence)
    return dials


def damaged_own(space: str, *, folder: Path = DIRECTIONS_DIR) -> dict[str, str]:
    """File name -> why it is not used."""
    return _read_all(space, folder)[1]


def remove_own(name: str, space: str, *, folder: Path = DIRECTIONS_DIR) -> Path:
    """Delete a dial's file, damaged or not.

    Returns:
        The file that is gone.

    Raises:
        UsageError: there is none of this name.
    """
    place = {path.stem: path for path in own_files(space, folder)}
    if name not in place:
        known = ", ".join(place) or "there are none yet"
        raise UsageError(f"No dial of yours is called '{name[:40]}' (yours: {known}).")
    try:
        place[name].unlink()
    except OSError as err:
        raise UsageError(f"{place[name]} cannot be removed ({err.strerror}).") from err
    return place[name]


def renamed_own(dial: OwnDial, name: str, title: str = "") -> OwnDial:
    """The same dial under another name.

    Raises:
        UsageError: a dial cannot have that name.
    """
    return replace(dial, name=checked_name(name), title=clean_title(title, name))


def _read_all(space: str, folder: Path) -> tuple[dict[str, OwnDial], dict[str, str]]:
    dials: dict[str, OwnDial] = {}
    bad: dict[str, str] = {}
    for path in own_files(space, folder):
        try:
            dial = load_own(path, space=space)
            if dial.name != path.stem:  # a copy under another name: the file's name counts
                dial = renamed_own(dial, path.stem, dial.title)
        except FacegenError as err:
            bad[path.name] = str(err)
        else:
            dials[dial.name] = dial
    return dials, bad


def _arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    """All arrays of an npz; sizes are looked at before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > len(("vector", "weights", "meta")):
                raise _bad(name, "it holds more than a dial")
            arrays = {}
            for member in members:
                with archive.open(member) as stream:
                    raw = stream.read(MAX_FILE_BYTES + 1)
                if len(raw) > MAX_FILE_BYTES or not raw.startswith(NPY_MAGIC):
                    raise _bad(name, "it holds something else than small arrays")
                key = member.filename.removesuffix(".npy")
                arrays[key] = read_latent_bytes(raw, keyword="", name=name).arrays["w_plus"]
            return arrays
    except (
        zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError,
        zlib.error,
    ) as err:  # fmt: skip
        raise _bad(name, "it is not an npz of plain arrays") from err


def clean_line(text: str) -> str:
    """One printable line of bounded length."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "C")[:MAX_SOURCE]


def _bad(name: str, why: str) -> BadFileError:
    return BadFileError(f"{name} is not used as a dial: {why}. Ask for another copy of it.")
