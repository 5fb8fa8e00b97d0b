"""The pictures of a sweep, one after the other, with what was measured in each.

The loop is closed on the face, not on each frame: `Sweep` measures thirty small previews first
and then asks every frame for the angles that will come out (`facegen.pose.loop`). With an
optimiser each turned frame is brought back to the person, and then its own angles are put right: on
one thread, so that no byte depends on their number, and for as many frames at a time as there are
cores. Frames are measured by a thread while the next one is drawn.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass, field, replace

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import FacegenError, UsageError
from facegen.face import Face
from facegen.images import flattened
from facegen.latents import as_w_plus
from facegen.local.background import SegmentsOf
from facegen.local.edit import LocalEditor
from facegen.masks import Mask
from facegen.measure.detector import MEASURE_PX
from facegen.measure.measurer import Measurement
from facegen.operations import KeepRest, MovePicture, Pose, Wear
from facegen.optimise.identity import AT_ONCE, IdentityOptimiser
from facegen.pose.expressions import express, expression
from facegen.pose.finish import Finish, plan_expression, plan_gaze
from facegen.pose.head_pose import (
    HELD_DIALS,
    held_readings,
    nudged,
    require_in_range,
)
from facegen.pose.hold import IdentityHolder
from facegen.pose.loop import FEW_DESIGN, FULL_ROUNDS, PoseMap, learn_pose_map
from facegen.protocols import Measures, Renders
from facegen.retouch.eyes import require_gaze
from facegen.retouch.transform import move_picture
from facegen.sweeps.grid import Cell
from facegen.sweeps.scenery import Scenery

DEPTH = 2  # frames that wait for their numbers while others are drawn


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a sweep.

    Attributes:
        index: Place in the list of cells.
        cell: What was asked for.
        face: The latent behind it, for saving.
        image: uint8 [size, size, 3].
        measurement: What was measured; None if no face was seen or nothing was measured.
        identity: dlib distance to the frontal frame; None if not measured.
        is_reachable: False if the angles were predicted to be missed by more than 3 degrees, or
            no open eyes were seen to turn, or no face is seen in the picture, or none that
            landmarks hold on to.
        cutout: The picture with alpha, uint8 [size, size, 4], where its background is transparent.
    """

    index: int
    cell: Cell
    face: Face
    image: np.ndarray
    measurement: Measurement | None = None
    identity: float | None = None
    is_reachable: bool = True
    cutout: np.ndarray | None = None

    @property
    def saved(self) -> np.ndarray:
        """The picture as a file has it: with alpha, where there is any."""
        return self.image if self.cutout is None else self.cutout


def is_retouched(cell: Cell) -> bool:
    """Whether the picture of a cell is worked on after it is drawn."""
    wears = cell.expression is not None and cell.strength > 0
    return bool(
        cell.gaze is not None
        or cell.gaze_up
        or (wears and cell.expression and expression(cell.expression).is_retouched)
    )


@dataclass
class Sweep:
    """Draws cells of one face.

    Attributes:
        generator: Draws.
        face: Whose pictures; not changed.
        dials: Of its space.
        measurer: Measures; None draws without measuring and without closing the loop.
        size: Edge of the pictures.
        measure: "all" (with identity), "angles", or "none".
        close: Whether to measure the face first and correct what is asked.
        batch: Pictures drawn at once; more than one is faster on a GPU alone.
        optimiser: Brings each turned frame back to the person: slower (`facegen.pose.hold`); needs
            `measurer` and `close`.
        held_at_once: Frames that are brought back at the same time, each on a thread of its own.
        keeper: Lets expressions change the face alone, and keeps what the face keeps of its rest;
            without it all of a picture may change.
        segments_of: Sees where the face stands in its pictures, for the background that it is put
            before; loaded when there is one, unless given.
    """

    generator: Renders
    face: Face
    dials: DialSet
    measurer: Measures | None = None
    size: int = 1024
    measure: str = "all"
    close: bool = True
    batch: int = 1
    optimiser: IdentityOptimiser | None = None
    held_at_once: int = AT_ONCE
    keeper: LocalEditor | None = None
    segments_of: SegmentsOf | None = None
    _kept: KeepRest | None = None
    _local: tuple[str, ...] = ()
    _holder: IdentityHolder | None = None
    _maps: dict[str | None, PoseMap] = field(default_factory=dict)
    _front: Measurement | None = None
    _front_known: bool = False
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn before any picture is made."""
        self.face.require_space(self.generator.space)
        self.face.require_space(self.dials.space)
        # What is done in the picture is planned anew for each frame, but only if it is known.
        self.face.request(model=self.generator.model, size=self.size).require_known()
        if self.optimiser is not None and (self.measurer is None or not self.close):
            raise UsageError(
                "The person is held by measuring small pictures first: this needs the instruments "
                "and the closed loop. Sweep with them, or without holding."
            )
        if self.batch < 1:
            raise UsageError(f"At least 1 picture is drawn at once, got {self.batch}.")
        if self.measure not in ("all", "angles", "none"):
            raise UsageError(f"measure is all, angles or none, got '{self.measure}'.")
        if self.optimiser is not None:
            self._holder = IdentityHolder(
                self.optimiser,
                self.dials,
                lambda w_plus: self._sure(self.generator.preview(w_plus)),
                lambda w_plus: self._sure(self._whole(w_plus)),
                lambda: self.face_of(Cell(0.0, 0.0))[0],
            )
        self._kept = self.face.keep
        self._scenery = Scenery(self.generator, self.face.operations, self.size, self.segments_of)
        self._local = tuple(entry.dial for entry in self.face.edits)
        # Saved frames keep the name and the origin of the face in their story.
        self.face = self.face if self.face.edits == () else self.face.rebased()

    def require_cells(self, cells: Iterable[Cell]) -> list[Cell]:
        """The cells as a list, if the face can take all of them.

        Raises:
            OutOfRangeError: an angle outside what dials were measured to do.
            UsageError: no cell at all, an expression that is not available, an impossible motion.
        """
        found = list(cells)
        if not found:
            raise UsageError("The grid is empty: give at least one angle.")
        for cell in found:
            asked = {"yaw": cell.yaw, "pitch": cell.pitch}
            require_in_range(self.dials, **{k: v for k, v in asked.items() if v is not None})
            cell.motion.require_valid()
            if cell.expression:
                expression(cell.expression)
            require_gaze(cell.gaze or 0.0, cell.gaze_up or 0.0)
            if self.measurer is None and is_retouched(cell):
                raise UsageError(
                    "Gaze and expressions finished in the picture need the instruments that find "
                    "eyes and mouth; "
                    "`python -m facegen models fetch` installs them."
                )
        return found

    def face_of(self, cell: Cell) -> tuple[Face, bool]:
        """The face of a cell, and whether its angles will come out."""
        face, is_reachable = self._solved(cell)
        return self._keeping(face, cell), is_reachable

    def _keeping(self, face: Face, cell: Cell) -> Face:
        """The face of a cell, with what stays as it is without the expression."""
        wears = cell.expression is not None and cell.strength > 0
        if self.keeper is None or not (wears or self._kept):
            return face
        still = self._solved(replace(cell, expression=None))[0] if wears else face
        rest, mask = still.w_plus, Mask.empty()
        if self._kept is not None:
            rest = as_w_plus(self._kept.w_plus + (rest - self.face.w_plus))
            local = [name for name in self._local if not self.keeper.table.is_global(name)]
            mask = self.keeper.mask(local, rest, face.w_plus)
        if wears:
            mask = mask.union(self.keeper.region("face", rest, face.w_plus))
        return face if mask.is_empty else face.finished((KeepRest.of(rest, mask),))

    def _solved(self, cell: Cell) -> tuple[Face, bool]:
        if cell.yaw is None and cell.pitch is None:
            return self._move(cell, None, None), True
        pose_map = self._map(cell)
        yaw, pitch = cell.yaw or 0.0, cell.pitch or 0.0
        asked = pose_map.ask(yaw, pitch)
        face = self._move(
            cell,
            asked[0] if cell.yaw is not None else None,
            asked[1] if cell.pitch is not None else None,
        )
        if cell.expression is None:
            face = nudged(face, self.dials, pose_map.holds(yaw, pitch))
        if self._holder is not None and (yaw or pitch or cell.expression):
            free = HELD_DIALS if cell.expression else ()
            held = self._holder.hold(face, yaw=cell.yaw, pitch=cell.pitch, free=free)
            return (face, False) if held is None else held
        return face, pose_map.is_reachable(yaw, pitch)

    def _whole(self, w_plus: np.ndarray) -> np.ndarray:
        """The picture as it is measured; at 256 px the small network's, as frames are then."""
        return self.generator.render(w_plus, size=min(self.size, MEASURE_PX))

    def _sure(self, image: np.ndarray) -> Measurement | None:
        """What a picture shows; None if no face is seen, or one that landmarks do not hold on."""
        seen = None if self.measurer is None else self.measurer.measure(image, details=False)
        return seen if seen is not None and seen.is_sure else None

    def _measure(self, image: np.ndarray) -> Measurement | None:
        """What is handed out with a picture, as much as `measure` asks for."""
        if self.measurer is None or self.measure == "none":
            return None
        if self.measure == "angles":
            return self.measurer.angles(image)
        return self.measurer.measure(image, details=False)

    def frames(
        self,
        cells: Iterable[Cell],
        *,
        indices: Sequence[int] | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Frame]:
        """Draw the cells in order; each is given as soon as it is drawn and measured.

        Args:
            cells: As `require_cells` accepts.
            indices: Numbers of the frames, if not 0, 1, 2, …
            is_cancelled: Asked before each picture; True ends the sweep.
        """
        wanted = self.require_cells(cells)
        numbers = indices or range(len(wanted))
        every = range(len(wanted))
        places = [every[k : k + self.batch] for k in every[:: self.batch]]
        workers = 1 if self._holder is None else self.held_at_once
        with (
            ThreadPoolExecutor(workers, thread_name_prefix="solve") as solver,
            ThreadPoolExecutor(1, thread_name_prefix="measure") as pool,
        ):
            waiting: deque[tuple[Frame, Future[Frame]]] = deque()
            coming: deque[list[Future[tuple[Face, bool]]]] = deque()
            ahead = iter(places)

            def solve_next() -> None:
                """Have the latents of one more group solved for while others are drawn."""
                group = next(ahead, ())
                coming.append([solver.submit(self.face_of, wanted[place]) for place in group])

            # One more than there are workers: frames that take long do not keep others waiting.
            for _ in range(workers if workers == 1 else workers + 1):
                solve_next()
            try:
                for group in places:
                    if is_cancelled():
                        break
                    solved = [face.result() for face in coming.popleft()]
                    solve_next()
                    drawn = self._drawn([face for face, _ in solved])
                    for place, (face, is_good), image in zip(group, solved, drawn, strict=True):
                        frame = self._finished(numbers[place], wanted[place], face, image, is_good)
                        waiting.append((frame, pool.submit(self._measured, frame)))
                    while len(waiting) > DEPTH or (waiting and waiting[0][1].done()):
                        yield waiting.popleft()[1].result()
            finally:
                solver.shutdown(wait=False, cancel_futures=True)
            while waiting:
                yield waiting.popleft()[1].result()

    def _drawn(self, faces: Sequence[Face]) -> Sequence[np.ndarray]:
        """Their pictures, drawn together if there are several."""
        if len(faces) == 1 or any(face.keep for face in faces):
            return [self._picture(face) for face in faces]
        together = np.stack([face.w_plus for face in faces])
        return list(self.generator.render(together, size=self.size))

    def _picture(self, face: Face) -> np.ndarray:
        keep = face.keep
        if keep is None:
            return self.generator.render(face.w_plus, size=self.size)
        return self.generator.render(face.w_plus, size=self.size, keep=keep)

    def _finished(
        self, index: int, cell: Cell, face: Face, image: np.ndarray, is_reachable: bool
    ) -> Frame:
        """The frame of a drawn picture, with what is done in the picture."""
        finish, before = self._planned(image, face, cell)
        finish = self._scenery.put(finish, face)
        if not cell.motion.is_still:
            move = MovePicture(*astuple(cell.motion))
            finish = finish.add(move, move_picture(finish.image, cell.motion))
        wear = Wear(cell.expression, cell.strength) if cell.expression else None
        keep = face.keep
        done = finish.operations if keep is None else (keep, *finish.operations)
        told = face.with_pose(Pose(cell.yaw, cell.pitch), wear).finished(done)
        is_reachable = is_reachable and finish.is_done
        picture = finish.image
        return Frame(
            index, cell, told, flattened(picture), before, is_reachable=is_reachable,
            cutout=picture if picture.shape[2] == 4 else None,
        )  # fmt: skip

    def _planned(
        self, image: np.ndarray, face: Face, cell: Cell
    ) -> tuple[Finish, Measurement | None]:
        """What is done in the picture by landmarks, and what was seen before."""
        measurer, finish = self.measurer, Finish(image)
        if measurer is None or not is_retouched(cell):
            return finish, None
        found: list[Measurement | None] = []

        def find(picture: np.ndarray) -> np.ndarray | None:
            seen = measurer.angles(picture)
            found.append(seen)
            return seen.landmarks if seen is not None and seen.is_sure else None

        finish = plan_gaze(finish, find, gaze=cell.gaze, gaze_up=cell.gaze_up)
        if cell.expression:
            finish = plan_expression(
                finish, face, self.dials, cell.expression, cell.strength,
                draw=lambda f: self.generator.render(f.w_plus, size=self.size), find=find,
            )  # fmt: skip
        return finish, found[0] if found else None

    def _move(self, cell: Cell, yaw: float | None, pitch: float | None) -> Face:
        strength = cell.strength if cell.expression else 0.0
        name = cell.expression or "neutral"
        return express(self.face, self.dials, name, strength, yaw=yaw, pitch=pitch)

    def _map(self, cell: Cell) -> PoseMap:
        """The pose map of the cell's expression, between the face's own and full strength."""
        own = self._full_map(None)
        if cell.expression is None:
            return own
        full = self._full_map(cell.expression)
        weights = own.weights + cell.strength * (full.weights - own.weights)
        return PoseMap(weights, own.limits, lost=own.lost + full.lost)

    def _full_map(self, name: str | None) -> PoseMap:
        """The map of the face's own expression (None) or of a named one; measured when needed."""
        with self._guard:  # the frontal picture is measured by another thread
            if name not in self._maps:
                self._maps[name] = self._learned(name)
            return self._maps[name]

    def _learned(self, name: str | None) -> PoseMap:
        limits = (self.dials.spec("yaw").safe, self.dials.spec("pitch").safe)
        measurer = self.measurer
        if measurer is None or not self.close:
            return PoseMap.identity(limits)

        def see(face: Face) -> Mapping[str, float] | None:
            image = self.generator.preview(face.w_plus)
            seen = measurer.angles(image) if name else measurer.measure(image, details=False)
            if seen is None or not seen.is_sure:
                return None
            return dict(seen.values) | held_readings(self.dials, seen.values)

        def move(yaw: float, pitch: float) -> Face:
            return self._move(Cell(expression=name), yaw, pitch)

        def nudge(face: Face, changes: Mapping[str, float]) -> Face:
            return nudged(face, self.dials, changes)

        if name is None:
            return learn_pose_map(move, see, limits, rounds=FULL_ROUNDS, nudge=nudge)
        own = self._full_map(None)
        return learn_pose_map(move, see, limits, design=FEW_DESIGN, prior=own)

    def _measured(self, frame: Frame) -> Frame:
        before = frame.measurement
        seen = self._measure(frame.image)
        if self.measurer is None or self.measure == "none":
            return replace(frame, measurement=None)
        if seen is not None and before is not None:
            # Heads do not turn while brows and lids are pulled, but landmarks read it so.
            turn = {name: before.values[name] for name in ("yaw", "pitch")}
            seen = replace(seen, values={**seen.values, **turn})
        identity = None
        if seen is not None and seen.descriptor is not None:
            front = self._frontal()
            identity = None if front is None else seen.distance(front)
        is_reachable = frame.is_reachable and seen is not None and seen.is_sure
        return replace(frame, measurement=seen, identity=identity, is_reachable=is_reachable)

    def _frontal(self) -> Measurement | None:
        """What the face looking ahead with its own expression shows."""
        if not self._front_known and self.measurer is not None:
            self._front_known = True
            try:
                face, _ = self.face_of(Cell(0.0, 0.0))
                image = self.generator.render(face.w_plus, size=self.size)
                self._front = self.measurer.measure(image, details=False)
            except FacegenError:
                self._front = None
        return self._front
