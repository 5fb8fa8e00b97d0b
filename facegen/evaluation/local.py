"""Every dial with the rest kept, beside what it does to the whole picture.

Each face is moved by one standard deviation of each dial, as `facegen.evaluation.judge` moves it:
*whole* is what the loop ends with today; *same* is that very latent with the rest kept; *local* is
what the loop ends with where it judges the picture with the rest kept. What shows outside of a
region, at its edge and in the scene is read from pixels, by rules that steer nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from facegen.editing.closed_loop import Loop
from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.face import Face
from facegen.files import write_atomic
from facegen.latents import LABELS_PSI
from facegen.local.edit import LocalEditor, Look
from facegen.local.regions import HasMasks
from facegen.masks import Mask
from facegen.measure.measurer import Measurement
from facegen.operations import DialMove
from facegen.paths import cache_dir
from facegen.protocols import Maps, Progress
from facegen.records import RecordError, parse_record

FACES_FROM = 7_300_000
CACHE_DIR = cache_dir() / "local"
ROUNDS = 2
SCENE = ("hair", "clothes", "background")
OWN_SCENE = {
    "hair": "hair",
    "hair_colour": "hair",
    "hairline": "hair",
    "hat": "hair",
    "background": "background",
}
"""Region -> the part of the scene that it may change."""
LEAST_SCENE = 0.01
"""Of a picture: less of something has no colour to speak of."""
EDGE = (0.08, 0.92)
"""Where a mask counts as its own edge."""
SHOWN_PX = 64
"""Edge of the pictures in which the edit inside of a region is compared: hairs do not count."""


@dataclass(frozen=True)
class Shown:
    """What one picture shows, beside the picture before.

    Attributes:
        moved: Dial -> change of its measurement, in standard deviations.
        distance: Descriptor distance.
        outside: Mean change outside of the region, of 255.
        most_outside: The largest, likewise.
        seam: Energy of the picture's gradients at the region's edge, 1 as before.
        inside: How much of the whole picture's change inside of the region is there.
        scene: Part of the scene -> change of its mean colour, in CIE Lab.
    """

    moved: dict[str, float]
    distance: float
    outside: float
    most_outside: float
    seam: float
    inside: float
    scene: dict[str, float]


@dataclass(frozen=True)
class Tried:
    """One dial on one face; what is None was not seen as a face.

    Attributes:
        dial: The dial.
        seed: Of the face.
        sign: Up or down.
        region: Name of its region; "global" for none.
        share: Of the picture that the region takes, 0 to 1.
        whole: After the loop, without a region.
        same: The same latent with the rest kept.
        local: After the loop on pictures with the rest kept.
        looks: Pictures that the loops looked at, without and with.
    """

    dial: str
    seed: int
    sign: float
    region: str
    share: float
    whole: Shown | None
    same: Shown | None
    local: Shown | None
    looks: tuple[int, int]


def judge_local(
    generator: Maps,
    editor: LocalEditor,
    dials: DialSet,
    names: Sequence[str],
    *,
    faces: int,
    rounds: int = ROUNDS,
    cache: Path = CACHE_DIR,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Tried]:
    """Move dials of faces that nothing was tuned on, with the rest kept and without.

    Args:
        generator: Makes the faces.
        editor: Keeps the rest.
        dials: Of the generator's space.
        names: Which of them.
        faces: How many, from seed 7300000 on; of all of them or, stopped, of the first.
        rounds: Corrections on the picture at most.
        cache: Folder that keeps what was found; a second run goes on from there.
        progress: Called with (dials done, dials in all).
        stop: Asked before each dial.

    Raises:
        UsageError: nothing was measured.
    """
    tried: list[Tried] = []
    for index in range(faces):
        seed = FACES_FROM + index
        studio: _Studio | None = None
        done = []
        for number, name in enumerate(names):
            path = cache / f"{seed}-{name}-{rounds}.json"
            one = _read(path)
            if one is None:
                if stop():
                    break
                base = generator.w_from_seed(seed, LABELS_PSI)
                studio = studio or _Studio(editor, dials, base, rounds)
                if studio.before is None:
                    break
                one = studio.try_dial(name, seed)
                write_atomic(path, json.dumps(asdict(one)).encode())
            done.append(one)
            if progress:
                progress(index * len(names) + number + 1, faces * len(names))
        if len(done) == len(names):  # whole faces only: dials are compared with each other
            tried += done
    if not tried:
        raise UsageError("No face was judged with all dials; give it more time.")
    return tried


def _read(path: Path) -> Tried | None:
    try:
        return parse_record(path.read_bytes(), Tried)
    except (OSError, RecordError):
        return None


class _Studio:
    """One face, and all that is compared with it."""

    def __init__(self, editor: LocalEditor, dials: DialSet, base: np.ndarray, rounds: int) -> None:
        self.editor, self.dials, self.rounds = editor, dials, rounds
        self.face = Face.from_w_plus(base)
        self.picture, self.before = editor.picture(self.face), editor.measured(self.face)
        self.stands = {} if self.before is None else dials.in_units(self.before.values)
        self.segments = editor.seen(base).segments

    def try_dial(self, name: str, seed: int) -> Tried:
        """Move a dial by one standard deviation, towards the average face and past it."""
        assert self.before is not None
        spec = self.dials.spec(name)
        sign = 1.0 if self.stands[name] <= spec.mean else -1.0
        region = self.editor.table.dials[name]
        plain = Look(self.editor, self.face, ())
        loop = self._loop(plain, name, sign)
        edited, looks = self._run(loop, plain), loop.looks
        kept = self.editor.keep(self.face, edited, [name])
        keep = kept.keep
        mask = Mask.whole() if keep is None else keep.region
        whole = self._shown(edited, mask, sign)
        if keep is None:
            return Tried(name, seed, sign, region, 1.0, whole, whole, whole, (looks, looks))
        same = self._shown(kept, mask, sign, edited)
        local = Look(self.editor, self.face, [name])
        gain = local.gains.get(name, 1.0)
        if not self.rounds and gain == 1:  # then the loops end with the same latent
            return Tried(name, seed, sign, region, mask.share, whole, same, same, (looks, looks))
        again = self._loop(local, name, sign, {name: gain * edited.edits[0].delta})
        ended = self._run(again, local)
        its = ended.keep
        own = mask if its is None else its.region
        shown = self._shown(ended, own, sign, edited)
        return Tried(name, seed, sign, region, own.share, whole, same, shown, (looks, again.looks))

    def _loop(self, look: Look, name: str, sign: float, asked: dict[str, float] | None = None):  # type: ignore[no-untyped-def]
        step = sign * self.dials.spec(name).unit_per_sd
        base = self.face.w_plus
        return Loop(
            look.dials, base, {name: step}, self.stands, rounds=self.rounds, asked=asked,
            natural=self.dials.naturalness, predicted=self.dials.read(base),
        )  # fmt: skip

    def _run(self, loop: Loop, look: Look) -> Face:
        while not loop.done:
            loop.saw(look.see(loop.w_plus))
        found = loop.outcome
        moves = tuple(DialMove(name, delta) for name, delta in found.asked.items())
        return look.face(found.w_plus) if moves else self.face

    def _shown(
        self, face: Face, mask: Mask, sign: float, whole: Face | None = None
    ) -> Shown | None:
        picture, found = self.editor.picture(face), self.editor.measured(face)
        if found is None or self.before is None:
            return None
        now = self.dials.in_units(found.values)
        moved = {
            name: round(
                sign * (now[name] - self.stands[name]) / self.dials.spec(name).unit_per_sd, 4
            )
            for name in self.dials.names
        }
        unkept = picture if whole is None else self.editor.picture(whole)
        outside = mask.at(len(picture)) == 0
        change = np.abs(picture.astype(np.int16) - self.picture).mean(axis=2)[outside]
        return Shown(
            moved,
            round(_distance(self.before, found), 4),
            round(float(change.mean()), 4) if change.size else 0.0,
            float(change.max()) if change.size else 0.0,
            round(seam(self.picture, picture, mask), 4),
            inside(self.picture, unkept, picture, mask),
            scene_change(self.picture, picture, self.segments),
        )  # fmt: skip


def _distance(one: Measurement, other: Measurement) -> float:
    return one.distance(other)


def seam(before: np.ndarray, after: np.ndarray, mask: Mask) -> float:
    """Energy of a picture's gradients at the edge of a mask, as a share of the picture's before.

    Args:
        before: uint8 [H, H, 3].
        after: Likewise.
        mask: Where it may differ; without an edge there is no seam, 1.
    """
    values = mask.at(len(before))
    edge = (values > EDGE[0]) & (values < EDGE[1])
    if not edge.any():
        return 1.0
    return float(_gradients(after)[edge].mean() / max(_gradients(before)[edge].mean(), 1e-3))


def _gradients(picture: np.ndarray) -> np.ndarray:
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))


def inside(before: np.ndarray, whole: np.ndarray, kept: np.ndarray, mask: Mask) -> float:
    """How much of an edit's change of colour inside of a mask is there with the rest kept.

    Both changes are compared in small pictures; 1 is all of it.

    Args:
        before: uint8 [H, H, 3].
        whole: The edited picture, likewise.
        kept: The same with the rest kept.
        mask: Where it may differ.
    """
    small = [
        cv2.resize(one, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
        for one in (before, whole, kept)
    ]
    weight = np.where(mask.at(SHOWN_PX, "mean") > 0.5, 1.0, 0.0)[..., None]
    if not weight.any():
        weight = mask.at(SHOWN_PX, "mean")[..., None]
    wanted, shown = small[1] - small[0], small[2] - small[0]
    size = float((weight * wanted * wanted).sum())
    return round(float((weight * wanted * shown).sum()) / size, 4) if size > 1e-6 else 1.0


def scene_change(before: np.ndarray, after: np.ndarray, segments: HasMasks) -> dict[str, float]:
    """Part of the scene -> how far its mean colour moved, in CIE Lab; only of what is there.

    Args:
        before: uint8 [H, H, 3].
        after: Likewise.
        segments: Of the picture before; the parts' edges are left out.
    """
    found = {}
    labs = [
        cv2.cvtColor(one.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for one in (before, after)
    ]
    for name in SCENE:
        inner = cv2.erode(segments.mask(name).astype(np.uint8), np.ones((5, 5), np.uint8))
        place = cv2.resize(inner, before.shape[:2], interpolation=cv2.INTER_NEAREST) > 0
        if place.mean() >= LEAST_SCENE:
            was, now = (lab[place].mean(axis=0) for lab in labs)
            found[name] = round(float(np.linalg.norm(now - was)), 3)
    return found
