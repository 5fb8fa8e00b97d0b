"""A session as text, to be kept where its visitor is, and back.

What is kept: the people with their names, all steps with those taken back, the current one, the
newest step of each person, the locks, what the current picture was measured to add, and which
pictures were corrected. People from seeds take a few bytes. What a file brought along (latents,
changes in the picture) goes into a bundle of its own, named by its content, so that it need not
travel at every step.

The text comes back from outside. It is read entry by entry: what is damaged or not known here is
left out and told, and the rest stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar

import msgspec

from facegen.editing.locks import Locks
from facegen.errors import BadFileError, FacegenError, SpaceMismatchError
from facegen.latents import MAX_SEED
from facegen.records import RecordError, parse_record
from facegen.session import kept_behind, kept_paintings
from facegen.session.behind import Behind
from facegen.session.bundles import bundle_of, is_from_file, unbundled
from facegen.session.edit_state import EditState, Subject, clean_deltas, clean_psi
from facegen.session.history import MAX_RECENT
from facegen.session.painting import NOTHING, Painting
from facegen.session.people import MAX_NAME
from facegen.session.session import Session
from facegen.session.worn import Worn

FORMAT = 1
MAX_BYTES = 4 << 20
"""Of the text; a hundred steps with ten dials each have 50 KB."""
MAX_STATES = 500
DIGITS = 5

T = TypeVar("T")
Natural = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Name = Annotated[str, msgspec.Meta(max_length=4 * MAX_NAME)]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{20}$")]


@dataclass(frozen=True)
class Saved:
    """A session as text.

    Attributes:
        text: JSON; small.
        bundles: What files brought along: id -> JSON. The id is of the content.
    """

    text: str
    bundles: Mapping[str, str]


@dataclass
class _Person:
    uid: Natural
    name: Name
    psi: float
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] | None = None
    called: Name | None = None
    bundle: Id | None = None


@dataclass
class _State:
    who: Natural
    psi: float
    deltas: dict[str, float] = field(default_factory=dict)
    corrections: dict[str, float] = field(default_factory=dict)
    keeps_rest: bool = False
    painting: Natural | None = None
    behind: Natural | None = None
    worn: Natural | None = None


@dataclass
class _Text:
    facegen_session: int
    space: str
    people: list[Any] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    steps: Any = None
    at: Any = None
    recent: Any = None
    settled: Any = None
    held: Any = None
    identity: Any = None
    offsets: Any = None
    paintings: list[Any] = field(default_factory=list)
    behinds: list[Any] = field(default_factory=list)
    worns: list[Any] = field(default_factory=list)


# -- to text --------------------------------------------------------------------------------------


def save(session: Session) -> Saved:
    """A session as text."""
    history = session.history
    states: dict[int, EditState] = {}
    for state in (*history.steps, *history.recent):
        states.setdefault(id(state), state)
    number = {key: index for index, key in enumerate(states)}
    subjects = {state.subject.uid: state.subject for state in states.values()}
    bundles: dict[str, str] = {}
    painted = {one.painting.digest: one.painting for one in states.values()}
    painted.pop("", None)
    place_of = {digest: place for place, digest in enumerate(painted)}
    behinds = list({state.behind for state in states.values() if state.behind is not None})
    worns = list({state.worn for state in states.values() if state.worn is not None})
    fields = {
        "facegen_session": FORMAT,
        "space": session.space,
        "people": [_person(session, subject, bundles) for subject in subjects.values()],
        "states": [_state(state, place_of, behinds, worns) for state in states.values()],
        "paintings": [kept_paintings.to_fields(one) for one in painted.values()],
        "behinds": [kept_behind.to_fields(one, bundles) for one in behinds],
        "worns": [kept_behind.to_fields(one, bundles) for one in worns],
        "steps": [number[id(state)] for state in history.steps],
        "at": history.at,
        "recent": [number[id(state)] for state in history.recent],
        "settled": [number[key] for key, state in states.items() if state in session.settling],
        "held": dict(session.locks.held),
        "identity": session.locks.identity,
        "offsets": {
            n: float(f"{v:.{DIGITS}g}") for n, v in session.offsets.of(history.state).items()
        },
    }
    return Saved(json.dumps(fields, ensure_ascii=False, separators=(",", ":")), bundles)


def _person(session: Session, subject: Subject, bundles: dict[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {"uid": subject.uid, "name": subject.name, "psi": subject.psi}
    if subject.seed is not None:
        fields["seed"] = subject.seed
    if subject.uid in session.people.called:
        fields["called"] = session.people.called[subject.uid]
    if is_from_file(subject):
        name, text = bundle_of(subject)
        fields["bundle"] = name
        bundles[name] = text
    return fields


def _state(
    state: EditState,
    place_of: Mapping[str, int],
    behinds: Sequence[Behind],
    worns: Sequence[Worn],
) -> dict[str, Any]:
    fields: dict[str, Any] = {"who": state.subject.uid, "psi": state.psi}
    if state.deltas:
        fields["deltas"] = dict(state.deltas)
    if state.corrections:
        fields["corrections"] = dict(state.corrections)
    if state.keeps_rest:
        fields["keeps_rest"] = True
    if state.painting.digest:
        fields["painting"] = place_of[state.painting.digest]
    if state.behind is not None:
        fields["behind"] = behinds.index(state.behind)
    if state.worn is not None:
        fields["worn"] = worns.index(state.worn)
    return fields


# -- and back -------------------------------------------------------------------------------------


def restore(session: Session, saved: Saved) -> list[str]:
    """Put what was saved into a session, in place of what it has.

    Args:
        session: Of the same latent space, with the dials there are now.
        saved: From outside.

    Returns:
        What was left out, as parts of a sentence; nothing if all came back.

    Raises:
        SpaceMismatchError: it was made in another latent space; the session stays.
        BadFileError: nothing in it can be used; the session stays.
    """
    reader = _Reader(session, saved)
    states = reader.states
    known = [state for state in states if state is not None]
    if not known:
        raise BadFileError("Of what this browser kept, no person can be read.")
    steps, at = reader.steps()
    recent = reader.picked(reader.text.recent)
    shown = {state.subject.uid for state in recent}
    for state in reversed(known):  # Nobody is lost with a damaged list.
        if state.subject.uid not in shown:
            recent.append(state)
            shown.add(state.subject.uid)
    steps = steps or [recent[0]]
    session.people.restore(max(s.subject.uid for s in known), reader.called)
    session.history.restore(steps, at, recent)
    session.settling.add(reader.picked(reader.text.settled))
    held = reader.read(reader.text.held, dict[str, float]) or {}
    held = {name: value for name, value in held.items() if name in session.dials.names}
    session.locks = Locks(held, reader.read(reader.text.identity, bool) or False)
    offsets = reader.read(reader.text.offsets, dict[str, float]) or {}
    offsets = {n: v for n, v in offsets.items() if abs(v) <= session.limits.get(n, -1.0)}
    if offsets:
        session.offsets.restore(session.state, offsets)
    session.revision += 1
    return reader.left_out


def meet(session: Session, saved: Saved) -> int:
    """Add the people of a saved session to those met so far, as far as they are others.

    Returns:
        How many came; 0 where nothing can be read.
    """
    try:
        reader = _Reader(session, saved)
    except (BadFileError, SpaceMismatchError):
        return 0
    known = {_who(state.subject) for state in (*session.history.recent, *session.history.steps)}
    come = []
    for state in reader.picked(reader.text.recent):
        if _who(state.subject) in known:
            continue
        known.add(_who(state.subject))
        subject = session.people.enter_again(state.subject, reader.called.get(state.subject.uid))
        come.append(replace(state, subject=subject))
    room = max(MAX_RECENT - len(session.history.recent), 0)
    session.history.meet(come[:room])
    return len(come[:room])


def _who(subject: Subject) -> tuple[object, ...]:
    """What makes two subjects the same person with the same beginning."""
    if not is_from_file(subject):
        return subject.seed, subject.psi
    return (bundle_of(subject)[0],)


class _Reader:
    """Reads a saved session entry by entry."""

    def __init__(self, session: Session, saved: Saved) -> None:
        self._session = session
        self._bundles = saved.bundles
        self.left_out: list[str] = []
        self.called: dict[int, str] = {}
        if len(saved.text) > MAX_BYTES:
            raise BadFileError(f"A saved session has at most {MAX_BYTES >> 20} MB.")
        try:
            self.text = parse_record(saved.text, _Text)
        except RecordError as err:
            raise BadFileError(f"This is no saved session: {err}.") from err
        if self.text.facegen_session > FORMAT:
            raise BadFileError(
                "What this browser kept was saved by a newer facegen; update the program."
            )
        if self.text.space != session.space:
            raise SpaceMismatchError(
                f"What was kept belongs to the latent space '{self.text.space[:60]}', and this "
                f"network has '{session.space}'."
            )
        self._people = self._read_people()
        self._paintings = [self._read_painting(value) for value in self.text.paintings[:MAX_STATES]]
        self._behinds = [self._read_behind(value) for value in self.text.behinds[:MAX_STATES]]
        self._worns = [self._read_worn(value) for value in self.text.worns[:MAX_STATES]]
        self.states = self._read_states()

    def read(self, value: Any, kind: type[T]) -> T | None:
        """A part of the text, or None where it is absent or damaged."""
        try:
            return None if value is None else _checked(value, kind)
        except RecordError:
            self.left_out.append("a part of it")
            return None

    def picked(self, numbers: Any) -> list[EditState]:
        """The states that a list of their numbers names."""
        return [state for _, state in self._picked(numbers)]

    def steps(self) -> tuple[list[EditState], int]:
        """The steps in order, and the index of the current one."""
        picked = self._picked(self.text.steps)
        at = self.read(self.text.at, int) or 0
        before = sum(place <= at for place, _ in picked)
        return [state for _, state in picked], max(before - 1, 0)

    def _picked(self, value: Any) -> list[tuple[int, EditState]]:
        numbers = self.read(value, list[int]) or []
        found = []
        for place, number in enumerate(numbers[:MAX_STATES]):
            state = self.states[number] if 0 <= number < len(self.states) else None
            if state is not None:
                found.append((place, state))
        return found

    def _read_people(self) -> dict[int, Subject]:
        people: dict[int, Subject] = {}
        for entry in self.text.people[:MAX_STATES]:
            try:
                person = _checked(entry, _Person)
                if person.uid in people:
                    raise ValueError("two people have one number")
                people[person.uid] = self._subject(person)
            except (ValueError, TypeError, KeyError, RecursionError, FacegenError):
                self.left_out.append("a person")
                continue
            if person.called is not None:
                self.called[person.uid] = _printable(person.called) or people[person.uid].name
        return people

    def _subject(self, person: _Person) -> Subject:
        name, psi = _printable(person.name) or "Unnamed", clean_psi(person.psi)
        if person.bundle is None:
            if person.seed is None:
                raise ValueError("somebody has neither a seed nor a latent")
            return Subject(person.uid, name, person.seed, psi)
        text = self._bundles[person.bundle]
        origin, finished, operations, source = unbundled(text, person.bundle)
        if person.seed is None and origin is None:
            raise ValueError("somebody has neither a seed nor a latent")
        return Subject(person.uid, name, person.seed, psi, origin, operations, finished, source)

    def _read_states(self) -> list[EditState | None]:
        states: list[EditState | None] = []
        unknown: set[str] = set()
        for value in self.text.states[:MAX_STATES]:
            state = None
            try:
                entry = _checked(value, _State)
                subject = self._people.get(entry.who)
                if subject is not None:
                    unknown.update(entry.deltas.keys() - self._session.limits.keys())
                    state = self._state_of(subject, entry)
            except RecordError:
                self.left_out.append("a step")
            states.append(state)
        self.left_out.extend(f"the dial {name[:30]}" for name in sorted(unknown)[:5])
        return states

    def _read_painting(self, value: Any) -> Painting:
        try:
            return kept_paintings.from_fields(value)
        except (RecordError, ValueError):
            self.left_out.append("what was painted")
            return NOTHING

    def _read_behind(self, value: Any) -> Behind | None:
        behind = kept_behind.from_fields(value, self._bundles)
        if behind is None:
            self.left_out.append("a background")
        return behind

    def _read_worn(self, value: Any) -> Worn | None:
        worn = kept_behind.worn_from_fields(value, self._bundles)
        if worn is None:
            self.left_out.append("clothes")
        return worn

    def _state_of(self, subject: Subject, entry: _State) -> EditState:
        deltas = clean_deltas(entry.deltas, self._session.limits)
        moved = dict(deltas)
        corrections = {
            name: more
            for name, more in entry.corrections.items()
            if moved.get(name) and abs(more) <= self._session.limits[name]
        }
        psi = clean_psi(entry.psi, subject.psi)
        told = tuple(sorted(corrections.items()))
        painting, number = NOTHING, entry.painting
        if number is not None and number < len(self._paintings):
            painting = self._paintings[number]
        behind, at = None, entry.behind
        if at is not None and at < len(self._behinds):
            behind = self._behinds[at]
        worn, at = None, entry.worn
        if at is not None and at < len(self._worns):
            worn = self._worns[at]
        return EditState(subject, psi, deltas, told, entry.keeps_rest, painting, behind, worn)


def _checked(value: Any, kind: type[T]) -> T:
    """A part of what was parsed as a record of its own; raises RecordError."""
    return parse_record(msgspec.json.encode(value), kind)


def _printable(name: str) -> str:
    return " ".join("".join(c for c in name if c.isprintable() or c == " ").split())[:MAX_NAME]
