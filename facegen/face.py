"""A face as a value: a latent with its history, saved in and opened from files.

A face file is a PNG, JPEG or WebP whose own metadata hold the latent (JSON, see
`facegen.formats.face_pictures`), or an `.npz` twin with the arrays and the same JSON. Bytes from
outside are read by `facegen.formats.latents`; nothing in a file is ever executed.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facegen.errors import BadFileError, LatentError, SpaceMismatchError
from facegen.files import write_atomic
from facegen.formats.face_pictures import KEYWORD, encode_face
from facegen.formats.latents import FaceRecord, read_latent_bytes
from facegen.images import MAX_FILE_BYTES, PictureKind, picture_kind
from facegen.latents import BUNDLED_SPACE, DEFAULT_PSI, MAX_SEED, as_w_plus
from facegen.operation_records import from_records, pack_latent, to_record, unpack_latent
from facegen.operations import (
    BOUND_OPERATIONS,
    PIXEL_OPERATIONS,
    DialMove,
    KeepRest,
    Operation,
    PixelOperation,
    Pose,
    Wear,
)
from facegen.render_request import RenderRequest
from facegen.version import __version__

if TYPE_CHECKING:
    from facegen.protocols import Maps

FORMAT_MAJOR, FORMAT_MINOR = 1, 1
MAX_NAME_LENGTH = 80
PHOTOGRAPH = "photograph"
"""Source of a face that was found for somebody on a photograph."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face: the latent that is rendered, where it came from, and what is done in its picture.

    Attributes:
        w_plus: float32 [18, 512], read-only; what the network draws.
        base: float32 [18, 512], read-only; the latent before `edits`.
        operations: What was done since `base`, in order: first what went into the latent, then what
            is done in the picture (`facegen.operations`).
        weights: Id of the weight changes of a tuned face; None for the network as it is.
        space: Id of the latent space.
        model: Registered name of the model the face was made with.
        seed, psi: Where the base came from, None for a latent of other origin.
        source: Where somebody who has no seed comes from: `PHOTOGRAPH`; empty if that is not known.
        name: The user's name for the person, may be empty.
        created: UTC time, ISO 8601.
    """

    w_plus: np.ndarray
    base: np.ndarray
    operations: tuple[Operation, ...] = ()
    weights: str | None = None
    space: str = BUNDLED_SPACE
    model: str = ""
    seed: int | None = None
    psi: float | None = None
    source: str = ""
    name: str = ""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __post_init__(self) -> None:
        """Freeze the arrays: a Face is a value."""
        for key in ("w_plus", "base"):
            array = as_w_plus(getattr(self, key), what=key)
            array.setflags(write=False)
            object.__setattr__(self, key, array)

    @classmethod
    def from_seed(cls, generator: Maps, seed: int, psi: float = DEFAULT_PSI) -> Face:
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

    @property
    def edits(self) -> tuple[DialMove, ...]:
        """The dials moved since `base`."""
        return tuple(entry for entry in self.operations if isinstance(entry, DialMove))

    @property
    def pixel_operations(self) -> tuple[PixelOperation, ...]:
        """What is done in the picture, in order."""
        return tuple(entry for entry in self.operations if isinstance(entry, PIXEL_OPERATIONS))

    def edited(self, w_plus: np.ndarray, edits: tuple[DialMove, ...]) -> Face:
        """The same person with other edits: `w_plus` is `base` with `edits` applied.

        Operations at places of the old picture are left out (`BOUND_OPERATIONS`);
        `facegen.pose.finish.refitted` does again what hangs on landmarks.
        """
        kept = tuple(
            entry
            for entry in self.operations
            if not isinstance(entry, (DialMove, *BOUND_OPERATIONS))
        )
        return replace(self, w_plus=w_plus, operations=(*edits, *kept))

    def rebased(self) -> Face:
        """The same picture, with the edits made the new starting point."""
        kept = tuple(entry for entry in self.operations if not isinstance(entry, DialMove))
        return replace(self, base=self.w_plus, operations=kept, seed=None, psi=None)

    def with_pose(self, pose: Pose, wear: Wear | None) -> Face:
        """The face with a record that it was turned and given an expression.

        Args:
            pose: In place of a former one.
            wear: Likewise; None keeps the former one.
        """
        gone = (Pose,) if wear is None else (Pose, Wear)
        kept = [entry for entry in self.operations if not isinstance(entry, gone)]
        moves = [entry for entry in kept if isinstance(entry, DialMove | Wear)]
        rest = [entry for entry in kept if not isinstance(entry, DialMove | Wear)]
        told = [entry for entry in (pose, wear) if entry not in (None, Pose())]
        return replace(self, operations=(*moves, *told, *rest))

    def named(self, name: str) -> Face:
        """The same face, called so."""
        return replace(self, name=clean_name(name))

    @property
    def keep(self) -> KeepRest | None:
        """What is kept around the regions that were edited, if anything."""
        return next((entry for entry in self.operations if isinstance(entry, KeepRest)), None)

    def finished(self, operations: tuple[PixelOperation, ...]) -> Face:
        """The face with exactly these things done in its picture."""
        kept = tuple(e for e in self.operations if not isinstance(e, PIXEL_OPERATIONS))
        return replace(self, operations=(*kept, *operations))

    def request(self, *, model: str, size: int) -> RenderRequest:
        """The picture of the face.

        Args:
            model: Registered name of the network that draws it.
            size: Edge in pixels.
        """
        return RenderRequest.of(
            self.w_plus, model=model, size=size, operations=self.pixel_operations,
            weights=self.weights,
        )  # fmt: skip

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
            path: Ends in `.png`, `.jpg`, `.jpeg` or `.webp`.
            image: The rendered picture, uint8 [H, W, 3], or [H, W, 4] with alpha.
            npz: Also write the `.npz` twin beside it.

        Raises:
            UsageError: the path ends otherwise.
            SaveError: it cannot be written; earlier files are untouched.
        """
        path = Path(path)
        write_atomic(path, self.to_picture(image, picture_kind(path)))
        if npz:
            write_atomic(path.with_suffix(".npz"), self.to_npz())

    def to_png(self, image: np.ndarray) -> bytes:
        """PNG bytes of the picture with the latent and the mark of synthetic media inside."""
        return self.to_picture(image, "PNG")

    def to_picture(self, image: np.ndarray, kind: PictureKind) -> bytes:
        """As `to_png`; a JPEG or WebP opens as the same face, its pixels only come near."""
        return encode_face(image, self._to_json(with_arrays=True), kind)

    def to_npz(self) -> bytes:
        """Bytes of the `.npz` twin: `w_plus`, `base`, and the JSON as `facegen`.

        And `w`, float32 [1, 18, 512]: what `generate.py --projected-w` of NVIDIA's
        stylegan2-ada-pytorch reads.
        """
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, w_plus=self.w_plus, base=self.base, w=self.w_plus[None],
            facegen=np.array(self._to_json()),
        )  # fmt: skip
        return buffer.getvalue()

    @classmethod
    def load(cls, path: str | Path) -> Face:
        """Open a face file (PNG, JPEG, WebP or npz) or a public latent (npy, npz, pt).

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
        record = read_latent_bytes(data, keyword=KEYWORD, name=name)
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
            "operations": [to_record(entry) for entry in self.operations],
        }
        if self.weights is not None:
            fields["weights"] = self.weights
        if self.source:
            fields["source"] = self.source
        if with_arrays:
            fields["w_plus"] = pack_latent(self.w_plus)
            if self.edits:
                fields["base"] = pack_latent(self.base)
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
                w_plus = unpack_latent(fields["w_plus"])
                base = unpack_latent(fields["base"]) if "base" in fields else w_plus
            operations = _read_operations(fields)
            return cls(
                w_plus=as_w_plus(w_plus, what=f"The latent in {file_name}"),
                # Edits that a reader does not know stay in the latent; they become its start.
                base=as_w_plus(base if operations is not None else w_plus, what=file_name),
                operations=operations or (),
                weights=None if fields.get("weights") is None else _text(fields["weights"]),
                space=_text(fields["space"]),
                model=_text(fields.get("model", "")),
                seed=_number(fields.get("seed"), int, 0, MAX_SEED),
                psi=_number(fields.get("psi"), float, -10, 10),
                source=clean_name(_text(fields.get("source", ""))),
                name=clean_name(str(fields.get("name", ""))),
                created=_text(fields.get("created", "")),
            )
        except LatentError:
            raise
        except (KeyError, TypeError, ValueError, RecursionError) as err:
            raise BadFileError(damaged) from err


def clean_name(name: str) -> str:
    """A person's name as one printable line of at most 80 characters."""
    return "".join(c for c in name if c.isprintable()).strip()[:MAX_NAME_LENGTH]


def _read_operations(fields: dict[str, Any]) -> tuple[Operation, ...] | None:
    """The operations of a file; None if one of format 1.0 has an edit of a kind it did not know."""
    if "operations" in fields:
        return from_records(fields["operations"])
    edits = from_records(fields.get("edits", []))  # format 1.0
    return edits if all(isinstance(edit, DialMove) for edit in edits) else None


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
