"""Who is edited and how, as values; the one conversion to and from `Face`; links.

An `EditState` is one point of the history: a subject, how typical they are (psi), and by how much
each dial was moved. Everything rendered, saved or linked is computed from the current one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from facegen.face import Face
from facegen.latents import DEFAULT_PSI, MAX_SEED
from facegen.operations import DELTA_DIGITS, DialMove, Operation, PixelOperation, Pose, Wear
from facegen.protocols import Dials, Maps
from facegen.session.behind import Behind
from facegen.session.painting import NOTHING, Painting
from facegen.session.worn import Worn

MAX_PSI = 1.2
SAME_LATENT = 1e-4
CORRECTED = "corrected"
"""In a link: what of its dials is asked only because the picture fell short."""
CLOTHES = "clothes"
"""In a link: what somebody wears (`facegen.session.worn`)."""
BACKGROUND = "background"
"""In a link: what is behind somebody (`facegen.session.behind`)."""
KEEP, REST, PLACE, PAINTED = "keep", "rest", "place", "painted"
"""In a link: `keep=rest` where dials change their own regions alone, the only place where they do,
and a name of what was painted, which only the session knows in which it was.
"""
PERSON = "person"
"""In an address: somebody from a file, by the name of what the file brought along."""

BESIDE_DIALS = ("seed", "psi", CORRECTED, PERSON, KEEP, PLACE, PAINTED, BACKGROUND, CLOTHES)
"""What a link tells that is no dial."""

Deltas = tuple[tuple[str, float], ...]
"""Dial -> change in its unit, in the order of names."""


@dataclass(frozen=True, eq=False)
class Subject:
    """Somebody who is edited, from a seed or from a file.

    Attributes:
        uid: Number within the session.
        name: What they are called at first.
        seed: The seed they came from; None when they came from a file that has none.
        psi: The truncation they came with.
        origin: For subjects from a file, their latent before any dial, [18, 512]; None for seeds.
        operations: What a file says was done beside moving dials, in order.
        finished: The latent, [18, 512], whose picture those operations were made for.
        source: As of `facegen.face.Face`.
    """

    uid: int
    name: str
    seed: int | None
    psi: float
    origin: np.ndarray | None = None
    operations: tuple[Operation, ...] = ()
    finished: np.ndarray | None = None
    source: str = ""


@dataclass(frozen=True, eq=False)
class EditState:
    """One state of a subject.

    Attributes:
        subject: Whose.
        psi: How typical.
        deltas: The dials moved: name, what is asked of it in its unit.
        corrections: How much of that is asked only because the picture fell short: name, amount.
        keeps_rest: Whether dials change their own regions alone, and the rest of the picture stays.
        painting: What was painted over these regions.
        behind: What somebody is put before; None for what the network drew there.
        worn: What somebody wears; None for what the network drew.
    """

    subject: Subject
    psi: float
    deltas: Deltas = ()
    corrections: Deltas = ()
    keeps_rest: bool = False
    painting: Painting = NOTHING
    behind: Behind | None = None
    worn: Worn | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for states that describe the same picture."""
        scene = (one if one is None else one.digest for one in (self.behind, self.worn))
        return *self.drawn_key, *scene

    @property
    def drawn_key(self) -> tuple[object, ...]:
        """Equal for states of which the network draws the same, whatever is put behind it."""
        kept = self.painting.digest if self.keeps_rest and self.deltas else None
        return self.subject.uid, self.psi, self.deltas, kept

    def same_as(self, other: EditState) -> bool:
        """Whether both describe the same picture."""
        return self.key == other.key

    def draws_as(self, other: EditState) -> bool:
        """Whether the network draws the same of both."""
        return self.drawn_key == other.drawn_key

    def moved_on(self) -> EditState:
        """The same, of which the network draws something else than a file told."""
        behind = None if self.behind is None else self.behind.moved_on()
        worn = None if self.worn is None else self.worn.moved_on()
        return replace(self, painting=self.painting.moved_on(), behind=behind, worn=worn)

    def without(self, names: Collection[str]) -> EditState:
        """The same without some dials."""
        return replace(self, deltas=without(self.deltas, names))

    def moved_in(self, regions: Collection[str]) -> tuple[str, ...]:
        """The dials that change their own regions alone, of those that can."""
        moved = self.deltas if self.keeps_rest else ()
        return tuple(name for name, delta in moved if delta and name in regions)

    @property
    def undialled(self) -> EditState:
        """The same before any dial, as unusual as it is: what its dials are counted from."""
        return replace(self, deltas=(), corrections=())


# -- to and from a Face ---------------------------------------------------------------------------


def to_face(
    state: EditState,
    base: np.ndarray,
    w_plus: np.ndarray,
    *,
    faces: Maps,
    name: str,
    finish: tuple[PixelOperation, ...] = (),
) -> Face:
    """The state as a value that can be saved.

    Args:
        state: What to save.
        base: Its latent before its dials, [18, 512].
        w_plus: Its latent, [18, 512].
        faces: The network.
        name: Of the subject.
        finish: What is done in its picture.
    """
    more = dict(state.corrections)
    moves = [DialMove(dial, delta, more.get(dial, 0.0)) for dial, delta in state.deltas]
    told = [entry for entry in state.subject.operations if isinstance(entry, Pose | Wear)]
    return Face(
        w_plus=w_plus,
        base=base,
        operations=(*moves, *told, *finish),
        space=faces.space,
        model=faces.model,
        seed=state.subject.seed,
        psi=state.psi,
        source=state.subject.source,
        name=name,
    )


def from_face(face: Face, dials: Dials, limits: Mapping[str, float]) -> tuple[np.ndarray, Deltas]:
    """The latent before any dial, [18, 512] read-only, and the dials of a saved face.

    Dials are kept where this program reproduces the saved latent from them (up to what other
    machines round otherwise); if not, the saved latent itself becomes the start.
    """
    deltas = clean_deltas({edit.dial: edit.delta for edit in face.edits}, limits)
    base, saved = np.array(face.base, np.float32), np.array(face.w_plus, np.float32)
    again = dials.apply(base, dict(deltas)) if deltas else base
    if not np.allclose(again, saved, rtol=0.0, atol=SAME_LATENT):
        base, deltas = saved, ()
    base.setflags(write=False)
    return base, deltas


def without(deltas: Deltas, names: Collection[str]) -> Deltas:
    """Deltas without those of some dials; none if the others move nothing."""
    others = tuple(entry for entry in deltas if entry[0] not in names)
    return others if any(delta for _, delta in others) else ()


def corrections_of(face: Face, deltas: Deltas) -> Deltas:
    """How much of these deltas of a saved face is asked only because its picture fell short."""
    asked = {name for name, delta in deltas if delta}
    told = {edit.dial: edit.corrected for edit in face.edits if edit.corrected}
    return tuple(sorted((name, more) for name, more in told.items() if name in asked))


# -- numbers from anywhere, made safe -------------------------------------------------------------


def clean_deltas(deltas: Mapping[str, object], limits: Mapping[str, float]) -> Deltas:
    """Keep what is a known dial with a finite number; rounded and in a fixed order.

    A zero holds its dial while others are moved; where nothing moves, nothing is left.

    Args:
        deltas: From anywhere: a link, a file, the browser.
        limits: Known dials and how far each may be moved at most, in its unit.
    """
    kept = {}
    for name, value in deltas.items():
        if name not in limits or isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if math.isfinite(value):
            within = min(max(float(value), -limits[name]), limits[name])
            rounded = round(within, DELTA_DIGITS) + 0.0
            if rounded or not value:
                kept[name] = rounded
    return tuple(sorted(kept.items())) if any(kept.values()) else ()


def known_only(state: EditState, limits: Mapping[str, float]) -> EditState:
    """The state without dials that are not known; `limits` as for `clean_deltas`."""
    kept = clean_deltas(dict(state.deltas), limits)
    if kept == state.deltas:
        return state
    names = dict(kept)
    corrections = tuple((name, more) for name, more in state.corrections if name in names)
    return replace(state, deltas=kept, corrections=corrections)


def moved(
    state: EditState, deltas: Mapping[str, object], limits: Mapping[str, float], *, psi: object
) -> EditState:
    """The state with exactly these deltas; absent dials stand at zero.

    Args:
        state: As it is.
        deltas: Dial -> change in its unit, from anywhere.
        limits: As for `clean_deltas`.
        psi: Truncation; None keeps it.
    """
    new_psi = state.psi if psi is None else clean_psi(psi, state.psi)
    kept = clean_deltas(deltas, limits)
    asked = {name for name, delta in kept if delta}
    corrections = tuple((name, more) for name, more in state.corrections if name in asked)
    if kept != state.deltas or new_psi != state.psi:
        state = state.moved_on()
    return replace(state, psi=new_psi, deltas=kept, corrections=corrections)


def clean_psi(value: object, default: float = DEFAULT_PSI) -> float:
    """Give a truncation between 0 and `MAX_PSI`, rounded to 3 digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return default
    return round(min(max(float(value), 0.0), MAX_PSI), 3)


# -- links ----------------------------------------------------------------------------------------


def parse_number(text: str) -> float | None:
    """Read a finite number from a link; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def parse_seed(text: str) -> int | None:
    """Read a seed from a link; None for anything that is not one."""
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return int(text) if int(text) <= MAX_SEED else None


def link_of(state: EditState) -> dict[str, str] | None:
    """The query of the link to a state; None for subjects that came from a file."""
    subject = state.subject
    if subject.origin is not None or subject.seed is None or subject.operations:
        return None
    return {"seed": str(subject.seed), **rest_of_link(state)}


def rest_of_link(state: EditState) -> dict[str, str]:
    """What the link to a state tells beside whom it shows."""
    query = {} if state.psi == DEFAULT_PSI else {"psi": f"{state.psi:g}"}
    query.update({name: f"{delta:g}" for name, delta in state.deltas})
    rounded = {name: round(more, DELTA_DIGITS) for name, more in state.corrections}
    if state.keeps_rest and state.deltas:
        query[KEEP] = REST
        if state.painting.place:
            query[PLACE] = state.painting.place
        if state.painting.is_painted or state.painting.exact is not None:
            query[PAINTED] = state.painting.digest
    if state.behind is not None:
        query[BACKGROUND] = state.behind.text
    if state.worn is not None:
        query[CLOTHES] = state.worn.text
    if any(rounded.values()):
        query[CORRECTED] = ",".join(f"{name}:{more:g}" for name, more in rounded.items() if more)
    return query


def corrections_of_link(query: Mapping[str, str], deltas: Deltas) -> Deltas:
    """How much of these deltas is asked only because the picture fell short, as a link tells it."""
    asked, found = {name for name, delta in deltas if delta}, {}
    for part in query.get(CORRECTED, "").split(","):
        name, _, text = part.partition(":")
        more = parse_number(text)
        if name in asked and more:
            found[name] = round(more, DELTA_DIGITS)
    return tuple(sorted(found.items()))


def deltas_of_link(
    query: Mapping[str, str], limits: Mapping[str, float]
) -> tuple[Deltas, list[str]]:
    """The dials of a link, and the names in it that are no known dials."""
    dials = {name: value for name, value in query.items() if name not in BESIDE_DIALS}
    unknown = sorted(name for name in dials if name not in limits)
    numbers = {name: parse_number(value) for name, value in dials.items()}
    known = {name: number for name, number in numbers.items() if number is not None}
    return clean_deltas(known, limits), unknown
