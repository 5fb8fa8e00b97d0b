"""The package in a few words: load, take a face, edit it, look at it, turn it.

    import facegen as fg

    gen = fg.load()
    face = gen.face(seed=7).edit(age=60, lock="identity")
    face.readings["age"]
    gen.render(face)
    gen.sweep(face, yaw=range(-30, 31, 10)).sheet("turned.png")

Nothing is decided here: each call is one of the rooms below (`facegen.editing.faces`,
`facegen.retouch.apply`, `facegen.sweeps`) with the generator and the dials filled in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from facegen.editing.dial_set import DialSet
from facegen.editing.faces import edit_face, reach_targets
from facegen.errors import BadFileError, UsageError
from facegen.face import Face, clean_name
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import at_edge, picture_kind
from facegen.latents import DEFAULT_MODEL, DEFAULT_PSI
from facegen.local.edit import load_local_editor
from facegen.retouch.apply import draw
from facegen.sweeps.export import make_zip, sheet_png
from facegen.sweeps.grid import make_cells
from facegen.sweeps.sweep import Frame, Sweep

if TYPE_CHECKING:
    import numpy as np

    from facegen.protocols import Measures, Progress


def load(
    model: str = DEFAULT_MODEL, *, engine: str = "auto", progress: Progress | None = None
) -> FaceGenerator:
    """Load a network with the dials of its latent space; fetches it the first time.

    Args:
        model: A registered or imported name, as in `facegen models list`.
        engine: How to run it, as in `facegen bench`.
        progress: Called while it is fetched.

    Raises:
        ModelError: no such model, or it is damaged; FetchError if it cannot be had.
    """
    generator = Generator.load(model, engine=engine, progress=progress)
    return FaceGenerator(generator, DialSet.load(generator.space))


@dataclass(frozen=True, eq=False)
class EditableFace:
    """A face with the dials that move it; a value, like the `Face` it holds.

    Attributes:
        face: Who.
        dials: Of its latent space.
        generator: Draws it; needed where the rest of the picture is kept.
    """

    face: Face
    dials: DialSet
    generator: Generator | None = None

    @property
    def readings(self) -> dict[str, float]:
        """Where the face stands on every dial, in the dial's unit, predicted from its latent."""
        return self.dials.read(self.face.w_plus)

    def edit(
        self,
        *,
        lock: str | Iterable[str] = (),
        name: str | None = None,
        keep_rest: bool = False,
        **targets: float,
    ) -> EditableFace:
        """Set dials to readings: `edit(age=60, yaw=15, lock="identity")`.

        Args:
            lock: What keeps its reading: a dial or several; "identity" for the person.
            name: A new name for the person.
            keep_rest: Whether these dials change their regions of the picture alone.
            targets: Dial -> reading in its unit.

        Raises:
            UnknownDialError, UsageError, OutOfRangeError: as `facegen.editing.faces.reach_targets`.
            ModelError: the rest is to be kept, and the network cannot.
        """
        locks = [lock] if isinstance(lock, str) else list(lock)
        moved = reach_targets(self.dials, self.face, self.face, targets, locks)
        moved = self._kept(moved, targets if keep_rest else ())
        return replace(self, face=moved if name is None else replace(moved, name=clean_name(name)))

    def move(self, *, keep_rest: bool = False, **deltas: float) -> EditableFace:
        """Move dials by steps in their units: `move(smile=+1, age=-10)`; a step of 0 holds one.

        Args:
            keep_rest: Whether these dials change their regions of the picture alone.
            deltas: Dial -> step.

        Raises:
            UnknownDialError: no such dial.
            ModelError: the rest is to be kept, and the network cannot.
        """
        moved = edit_face(self.dials, self.face, deltas)
        return replace(self, face=self._kept(moved, deltas if keep_rest else ()))

    def _kept(self, moved: Face, local: Collection[str]) -> Face:
        """The moved face with the rest kept: for some dials, and what it kept before."""
        if not local and self.face.keep is None:
            return moved
        if self.generator is None:
            raise UsageError(
                "Keeping the rest of a picture needs the network that draws it; take the face from "
                "`load().face` or `load().open`."
            )
        return load_local_editor(self.generator, self.dials).keep(self.face, moved, local)


@dataclass(frozen=True, eq=False)
class SweptFaces:
    """The pictures of a sweep, in order."""

    frames: tuple[Frame, ...]

    def sheet(self, path: str | Path) -> Path:
        """Write all pictures on one sheet, a PNG.

        Raises:
            SaveError: it cannot be written.
        """
        write_atomic(Path(path), sheet_png(self.frames))
        return Path(path)

    def zip(self, path: str | Path) -> Path:
        """Write a zip of the pictures, each a face file, with their manifest.

        Raises:
            SaveError: it cannot be written.
        """
        write_atomic(Path(path), make_zip(self.frames))
        return Path(path)


@dataclass(frozen=True, eq=False)
class FaceGenerator:
    """A generator with its dials; make it with `load`.

    Attributes:
        generator: For everything that works on latents.
        dials: Of its latent space.
    """

    generator: Generator
    dials: DialSet

    def face(self, *, seed: int, psi: float = DEFAULT_PSI) -> EditableFace:
        """The person of a seed at a truncation.

        Raises:
            UsageError: the seed or psi is out of range.
        """
        face = Face.from_seed(self.generator, seed, psi)
        return EditableFace(face, self.dials, self.generator)

    def open(self, path: str | Path) -> EditableFace:
        """The face of a file (PNG, npz) or a public latent.

        Raises:
            BadFileError: it is not one; SpaceMismatchError if it belongs to another network.
        """
        face = Face.load(path).require_space(self.generator.space)
        return EditableFace(face, self.dials, self.generator)

    def project(self, image: np.ndarray | str | Path, *, steps: int | None = None) -> EditableFace:
        """The face of the largest person on a photograph, found by gradient descent: half a minute.

        Use photographs of real people only with their consent.

        Args:
            image: uint8 [H, W, 3] RGB, upright, or the path of a photo.
            steps: Of gradient descent; as many as are good unless given.

        Raises:
            BadFileError: no photograph, or nobody is found on it.
            LatentError: not such a picture.
            ModelError: a network that it does not work with.
        """
        from facegen.invert.photos import face_of
        from facegen.invert.project import DEFAULT_STEPS, load_projector
        from facegen.photos.align import find_faces
        from facegen.photos.intake import open_photo

        if isinstance(image, str | Path):
            image = open_photo(Path(image)).image
        faces = find_faces(image)
        if not faces:
            raise BadFileError(
                "No face was found on that picture; is it turned far away, covered, or small?"
            )
        projector = load_projector(self.generator)
        found = projector.project(faces[0].crop, steps=DEFAULT_STEPS if steps is None else steps)
        return EditableFace(face_of(found.w_plus, self.generator), self.dials, self.generator)

    def render(self, face: EditableFace | Face, *, size: int | None = None) -> np.ndarray:
        """The picture of a face, with what was done in it: uint8 [size, size, 3]."""
        return self._drawn(face, size, alpha=False)

    def depth(self, face: EditableFace | Face, *, size: int = 256) -> np.ndarray:
        """How far each pixel of a face's picture lies before the eyes, in centimetres.

        Args:
            face: Whose.
            size: Edge in pixels: 256, 512 or 1024.

        Returns:
            float32 [size, size], above 0 toward the viewer; `facegen.local.depth` tells more.

        Raises:
            LatentError: no face is seen on the picture.
            UsageError: another size.
            ModelError: the networks that see a face's surface are not installed.
        """
        from facegen.local import depth

        return depth.of_face(_bare(face), self.generator, size=size).cm

    def save(self, face: EditableFace | Face, path: str | Path, *, size: int | None = None) -> Path:
        """Write the picture with the face inside.

        Args:
            face: Whose.
            path: Ends in `.png`, `.jpg` or `.webp`.
            size: Edge in pixels, at most the picture's own; its own unless given.

        Raises:
            UsageError: another ending or too large a size; SaveError if it cannot be written.
        """
        picture_kind(Path(path))  # before the picture is drawn
        _bare(face).save(path, at_edge(self._drawn(face, None, alpha=True), size))
        return Path(path)

    def _drawn(self, face: EditableFace | Face, size: int | None, *, alpha: bool) -> np.ndarray:
        size = size or self.generator.img_resolution
        request = _bare(face).request(model=self.generator.model, size=size)
        return draw(request, self.generator, alpha=alpha)

    def sweep(
        self,
        face: EditableFace | Face,
        *,
        yaw: Iterable[float] = (0,),
        pitch: Iterable[float] = (0,),
        expressions: Iterable[str | None] = (None,),
        size: int | None = None,
        measurer: Measures | None = None,
    ) -> SweptFaces:
        """Turn a face through a grid of angles and expressions.

        Args:
            face: Who.
            yaw: Degrees.
            pitch: Degrees.
            expressions: Names, as `facegen sweep` takes; None for the face's own.
            size: Edge of the pictures.
            measurer: Measures small pictures first, so that the angles come out as asked
                (`facegen.measure.measurer.load_measurer`); without it they are predicted.

        Raises:
            OutOfRangeError: an angle beyond what the dials were measured to do.
        """
        sweep = Sweep(
            self.generator,
            _bare(face),
            self.dials,
            measurer,
            size=size or self.generator.img_resolution,
            measure="none" if measurer is None else "all",
            close=measurer is not None,
        )
        worn = [(name, 1.0) for name in expressions]
        cells = make_cells([float(x) for x in yaw], [float(x) for x in pitch], worn)
        return SweptFaces(tuple(sweep.frames(sweep.require_cells(cells))))


def _bare(face: EditableFace | Face) -> Face:
    return face.face if isinstance(face, EditableFace) else face
