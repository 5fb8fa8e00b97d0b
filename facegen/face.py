"""A face as a value: a latent with its story, saved in and opened from files.

A face file is a PNG whose own metadata holds the latent (one iTXt chunk named "facegen" with
JSON), or an `.npz` twin with the arrays and the same JSON. Bytes from outside are read by
`facegen.formats.latents`; nothing in a file is ever executed.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facegen.errors import BadFileError, LatentError, SpaceMismatchError, UsageError
from facegen.files import write_atomic
from facegen.formats.latents import FaceRecord, read_latent_bytes
from facegen.images import MAX_FILE_BYTES, encode_png
from facegen.latents import BUNDLED_SPACE, DEFAULT_PSI, MAX_SEED, NUM_WS, W_DIM, as_w_plus
from facegen.version import __version__

if TYPE_CHECKING:
    from facegen.generator import Generator

FORMAT_MAJOR, FORMAT_MINOR = 1, 0
PNG_KEYWORD = "facegen"
MAX_NAME_LENGTH = 80
MAX_EDITS = 1000


@dataclass(frozen=True)
class Edit:
    """One dial moved by `delta`, in the dial's unit (degrees, years, or standard deviations)."""

    dial: str
    delta: float


@dataclass(frozen=True, eq=False)
class Face:
    """A person: the latent that is rendered, and how it came to be.

    Attributes:
        w_plus: float32 [18, 512], read-only; what is rendered.
        base: float32 [18, 512], read-only; the latent before `edits`.
        edits: Dials moved since `base`.
        space: Id of the latent space.
        model: Registered name of the model the face was made with.
        seed, psi: Where the base came from, None for a latent of other origin.
        name: The user's name for the person, may be empty.
        created: UTC time, ISO 8601.
    """

    w_plus: np.ndarray
    base: np.ndarray
    edits: tuple[Edit, ...] = ()
    space: str = BUNDLED_SPACE
    model: str = ""
    seed: int | None = None
    psi: float | None = None
    name: str = ""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __post_init__(self) -> None:
        """Freeze the arrays: a Face is a value."""
        for key in ("w_plus", "base"):
            array = as_w_plus(getattr(self, key), what=key)
            array.setflags(write=False)
            object.__setattr__(self, key, array)

    @classmethod
    def from_seed(cls, generator: Generator, seed: int, psi: float = DEFAULT_PSI) -> Face:
        """The person that a seed names at a truncation.

        Raises:
            UsageError: the seed or psi is out of range.
        """
        w_plus = generator.w_from_seed(seed, psi)
        return cls(
            w_plus, w_plus, space=generator.space, model=generator.model, seed=int(seed), psi=psi
        )

    @classmethod
    def from_w_plus(
        cls, w_plus: np.ndarray, *, space: str = BUNDLED_SPACE, model: str = "", name: str = ""
    ) -> Face:
        """A face from a latent of shape (512,), (1, 512), (18, 512) or (1, 18, 512).

        Raises:
            LatentError: another shape, or values that are not finite.
        """
        return cls(w_plus, w_plus, space=space, model=model, name=clean_name(name))

    def edited(self, w_plus: np.ndarray, edits: tuple[Edit, ...]) -> Face:
        """The same person with other edits: `w_plus` is `base` with `edits` applied."""
        return replace(self, w_plus=w_plus, edits=edits)

    def rebased(self) -> Face:
        """The same picture, with the edits made the new starting point."""
        return replace(self, base=self.w_plus, edits=(), seed=None, psi=None)

    def require_space(self, space: str) -> Face:
        """Return the face if it belongs to `space`.

        Raises:
            SpaceMismatchError: it does not.
        """
        if self.space != space:
            raise SpaceMismatchError(
                f"This face was made in the latent space '{self.space}', but the loaded model has "
                f"'{space}'. Open it with the model it was made with ({self.model or 'unknown'})."
            )
        return self

    # --- files -------------------------------------------------------------------------------

    def save(self, path: str | Path, image: np.ndarray, *, npz: bool = False) -> None:
        """Write the picture with the latent inside, atomically.

        Args:
            path: Ends in `.png`.
            image: The rendered picture, uint8 [H, W, 3].
            npz: Also write the `.npz` twin beside it.

        Raises:
            UsageError: the path does not end in `.png`.
            SaveError: it cannot be written; earlier files are untouched.
        """
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise UsageError(
                f"A face is saved as a .png, got {path.name}; name it {path.stem}.png."
            )
        png = self.to_png(image)
        write_atomic(path, png)
        if npz:
            write_atomic(path.with_suffix(".npz"), self.to_npz())

    def to_png(self, image: np.ndarray) -> bytes:
        """PNG bytes of the picture with the latent and the mark of synthetic media inside."""
        return encode_png(image, texts={PNG_KEYWORD: self._to_json(with_arrays=True)})

    def to_npz(self) -> bytes:
        """Bytes of the `.npz` twin: `w_plus`, `base`, and the JSON as `facegen`."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, w_plus=self.w_plus, base=self.base, facegen=np.array(self._to_json())
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, path: str | Path) -> Face:
        """Open a face file (PNG or npz) or a public latent (npy, npz, pt).

        Raises:
            BadFileError: missing, damaged, hostile, or not a face; LatentError for its numbers.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise BadFileError(
                    f"{path.name} has {path.stat().st_size / 1e6:.0f} MB, more than a face file "
                    f"can have ({MAX_FILE_BYTES >> 20} MB). Is it the right file?"
                )
            data = path.read_bytes()
        except OSError as err:
            raise BadFileError(
                f"{path} cannot be opened ({err.strerror}). Check the name."
            ) from err
        return cls.from_bytes(data, name=path.name)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str) -> Face:
        """As `load`, from bytes; `name` is the file's name for errors."""
        record = read_latent_bytes(data, keyword=PNG_KEYWORD, name=name)
        if record.text is None:
            stem = Path(name).stem
            return cls.from_w_plus(as_w_plus(record.arrays["w_plus"], what=name), name=stem)
        return cls._from_record(record, file_name=name)

    def _to_json(self, *, with_arrays: bool = False) -> str:
        fields: dict[str, Any] = {
            "format": f"{FORMAT_MAJOR}.{FORMAT_MINOR}",
            "program": f"facegen {__version__}",
            "synthetic": True,
            "space": self.space,
            "model": self.model,
            "seed": self.seed,
            "psi": self.psi,
            "name": self.name,
            "created": self.created,
            "edits": [{"op": "dial", "dial": e.dial, "delta": e.delta} for e in self.edits],
        }
        if with_arrays:
            fields["w_plus"] = _pack(self.w_plus)
            if self.edits:
                fields["base"] = _pack(self.base)
        return json.dumps(fields, ensure_ascii=False)

    @classmethod
    def _from_record(cls, record: FaceRecord, *, file_name: str) -> Face:
        damaged = f"The face in {file_name} is damaged; open another copy of the file."
        try:
            fields = json.loads(record.text or "")
            major = int(str(fields["format"]).split(".")[0])
            if major > FORMAT_MAJOR:
                raise BadFileError(
                    f"{file_name} was saved by a newer facegen (format {fields['format']}, this "
                    f"one reads {FORMAT_MAJOR}); update the program to open it."
                )
            if "w_plus" in record.arrays:
                w_plus = record.arrays["w_plus"]
                base = record.arrays.get("base", w_plus)
            else:
                w_plus = _unpack(fields["w_plus"])
                base = _unpack(fields["base"]) if "base" in fields else w_plus
            edits = _read_edits(fields.get("edits", []))
            return cls(
                w_plus=as_w_plus(w_plus, what=f"The latent in {file_name}"),
                # Edits this version does not know stay in the picture; they become its start.
                base=as_w_plus(base if edits is not None else w_plus, what=file_name),
                edits=edits or (),
                space=_text(fields["space"]),
                model=_text(fields.get("model", "")),
                seed=_number(fields.get("seed"), int, 0, MAX_SEED),
                psi=_number(fields.get("psi"), float, -10, 10),
                name=clean_name(str(fields.get("name", ""))),
                created=_text(fields.get("created", "")),
            )
        except LatentError:
            raise
        except (KeyError, TypeError, ValueError, RecursionError, zlib.error) as err:
            raise BadFileError(damaged) from err


def clean_name(name: str) -> str:
    """A person's name as one printable line of at most 80 characters."""
    return "".join(c for c in name if c.isprintable()).strip()[:MAX_NAME_LENGTH]


def _pack(array: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(array.astype("<f4").tobytes(), 6)).decode("ascii")


def _unpack(text: str) -> np.ndarray:
    wanted = NUM_WS * W_DIM * 4
    data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), wanted + 1)
    if len(data) != wanted:
        raise ValueError("the packed latent has the wrong length")
    return np.frombuffer(data, "<f4").reshape(NUM_WS, W_DIM)


def _read_edits(raw: list[dict[str, Any]]) -> tuple[Edit, ...] | None:
    """The edits, or None if one is of a kind this version does not know."""
    if len(raw) > MAX_EDITS:
        raise ValueError("too many edits")
    if any(edit["op"] != "dial" for edit in raw):
        return None
    edits = tuple(Edit(_text(edit["dial"]), float(edit["delta"])) for edit in raw)
    if not all(np.isfinite(edit.delta) for edit in edits):
        raise ValueError("an edit is not a finite number")
    return edits


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise ValueError("a text field is not a short text")
    return value


def _number(value: Any, kind: type, low: float, high: float) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError("a number is out of range")
    return kind(value)
