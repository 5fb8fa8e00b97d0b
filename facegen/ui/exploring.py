"""What one visitor looks at on the page Explore: crowds, one derived from another, and a way back.

No Streamlit here: the page gives what was asked and pressed, and shows what this holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from facegen.errors import FacegenError
from facegen.explore.grammar import QueryError
from facegen.explore.query import Query, describe
from facegen.explore.similar import Keep
from facegen.face import Face
from facegen.service.crowds import Gallery, Gathering, Member
from facegen.service.finding import PAGE, Finder
from facegen.session.session import Session

FIRST_SEEDS = 10_000
MOST_CROWDS = 12
STRENGTHS = {"0.4": "a little", "0.8": "clearly", "1.5": "a lot"}
PARTS = {
    "": "everything",
    "hair": "hair",
    "expression": "expression",
    "age": "age",
    "light": "light",
}
KEPT = {"person": "same person", "type": "same type", "look": "lookalikes"}
CHOICES: Mapping[str, Mapping[str, str]] = {"strength": STRENGTHS, "what": PARTS, "keep": KEPT}
"""Setting -> value -> what it is called."""
FIRST = 24


@dataclass(eq=False)
class Shown:
    """A crowd on the page.

    Attributes:
        stamp: Tells it from others.
        kind: "new", "found", "average", "children", "variants" or "similar".
        title: What is said of it.
        crowd: The people.
        text: The sentence that found them.
        faces: Whom it came out of.
        settings: What its pills are set to.
        picked: The places that are selected.
    """

    stamp: int
    kind: str
    title: str
    crowd: Gallery | Gathering
    text: str = ""
    faces: tuple[Face, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    picked: tuple[int, ...] = ()


@dataclass(eq=False)
class MapView:
    """How the map of the crowd is looked at.

    Attributes:
        is_on: Whether it is shown.
        zoom: How much closer than at first, from 1 on.
        centre: Around whom, in the map's units.
    """

    is_on: bool = False
    zoom: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self._stamp, self._chosen = 0, frozenset[int]()

    def zoomed(self, by: float, most: float) -> None:
        """Look closer, or at more."""
        self.zoom = min(max(self.zoom * by, 1.0), most)
        if self.zoom == 1.0:
            self.centre = (0.0, 0.0)

    def clicked(self, stamp: int, chosen: frozenset[int]) -> int | None:
        """Who was clicked, of those chosen on the chart so far: a click adds or takes away one."""
        before = self._chosen if stamp == self._stamp else frozenset()
        self._stamp, self._chosen = stamp, chosen
        changed = before ^ chosen
        return next(iter(changed)) if len(changed) == 1 else None


class Exploring:
    """The crowds of one visitor; the last one is shown.

    Args:
        finder: Finds people.
        first: The first seed of the gallery; None for a random one.

    Attributes:
        problem: Why a sentence was not understood, with the place; None if it was.
        text: The sentence in the box.
        asked: The sentence whose people are shown, or from whom those shown come.
        chips: What was understood of it: words, and the numbers they stand for.
        first: The first seed of the newest gallery.
        map: How the map is looked at.
    """

    def __init__(self, finder: Finder, first: int | None = None) -> None:
        self.finder = finder
        self.map = MapView()
        self._stamp = 0
        self._crowds: list[Shown] = []
        self.text = self.asked = ""
        self.chips: tuple[tuple[str, str], ...] = ()
        self.problem: dict[str, Any] | None = None
        self.first = 0
        self.new_people(first)

    @property
    def shown(self) -> Shown:
        """The crowd on the page."""
        return self._crowds[-1]

    @property
    def can_go_back(self) -> bool:
        """Whether another crowd was shown before."""
        return len(self._crowds) > 1

    def new_people(self, first: int | None = None) -> None:
        """A gallery of new people."""
        self.first = secrets.randbelow(FIRST_SEEDS) if first is None else first
        self._leave_all()
        self.text, self.asked, self.chips, self.problem = "", "", (), None
        self._show("new", "New people", Gallery(self.finder.generator, self.first))

    def ask(self, text: str) -> None:
        """Look for people; an empty sentence shows new ones.

        What is wrong is in `problem`: the people stay, and nobody is looked for any more.
        """
        self.text, self.problem = text, None
        if not text:
            self.new_people()
            return
        try:
            query = self.finder.parse(text)
        except QueryError as err:
            self.problem = {"message": str(err), "start": err.start, "end": err.end,
                            "near": list(err.near)}  # fmt: skip
        except FacegenError as err:
            self.problem = {"message": str(err), "start": 0, "end": 0, "near": []}
        if self.problem:
            self.shown.crowd.stop()
            return
        self.chips = tuple((chip, self._meaning(query, chip)) for chip in query.chips)
        self._leave_all()
        self.asked = text
        crowd = Gathering(str(query), self.finder.found(query), most=PAGE)
        self._show("found", str(query), crowd, text=text)

    def _meaning(self, query: Query, chip: str) -> str:
        """What a chip asks for, in numbers."""
        meant = [one for one in query.conditions if chip in one.text.split(", ")]
        return "; ".join(describe(one, self.finder.dials) for one in meant)

    def back(self) -> None:
        """The crowd before."""
        if self.can_go_back:
            self._crowds.pop().crowd.stop()
            self.text = self.shown.text

    def member(self, place: int) -> Member | None:
        """Somebody of the crowd on the page."""
        return self.shown.crowd.member(place)

    def names(self, count: int) -> list[str]:
        """What the first ones of the crowd on the page are called."""
        if isinstance(self.shown.crowd, Gallery):  # Nobody of it needs to be made for that.
            return [unnamed(self.first + place) for place in range(count)]
        return [called(member) for place in range(count) if (member := self.member(place))]

    def faces(self, places: Sequence[int]) -> list[Face]:
        """The faces at some places; those where nobody is are left out."""
        found = (self.member(place) for place in places)
        return [member.face for member in found if member is not None]

    def average(self, faces: Sequence[Face]) -> None:
        """The person between some."""
        title = f"Average of {len(faces)} people"
        self._show("average", title, Gathering(title, self.finder.average(faces)), faces=faces)

    def children(self, faces: Sequence[Face]) -> None:
        """Children of two."""
        self._derive("children", "Children", faces, {"seed": str(secrets.randbelow(FIRST_SEEDS))})

    def variants(self, faces: Sequence[Face]) -> None:
        """One person, differently."""
        settings = {"strength": "0.8", "what": "", "seed": str(secrets.randbelow(FIRST_SEEDS))}
        self._derive("variants", "Variants", faces, settings)

    def similar(self, faces: Sequence[Face]) -> None:
        """People like one."""
        settings = {"keep": "person", "seed": str(secrets.randbelow(FIRST_SEEDS))}
        self._derive("similar", "More like this", faces, settings)

    def set(self, name: str, value: str) -> None:
        """Show the same crowd with another setting; what there is not is ignored."""
        if name in self.shown.settings and value in CHOICES.get(name, ()):
            self._again({**self.shown.settings, name: value})

    def _again(self, settings: Mapping[str, str]) -> None:
        before = self._crowds.pop()
        before.crowd.stop()
        self._derive(before.kind, before.title, before.faces, settings)

    def others(self) -> None:
        """The same kind of crowd, other people in it."""
        if self.shown.kind == "new":
            self.new_people()
        elif "seed" in self.shown.settings:
            self._again({**self.shown.settings, "seed": str(secrets.randbelow(FIRST_SEEDS))})

    def _derive(
        self, kind: str, title: str, faces: Sequence[Face], settings: Mapping[str, str]
    ) -> None:
        seed = int(settings["seed"])
        if kind == "children":
            fill = self.finder.children(faces[0], faces[1], seed)
        elif kind == "similar":
            fill = self.finder.similar(faces[0], cast(Keep, settings["keep"]), seed)
        else:
            names = [settings["what"]] if settings["what"] else []
            fill = self.finder.variants(faces[0], names, float(settings["strength"]), seed)
        crowd = Gathering(title, fill, most=FIRST)
        self._show(kind, title, crowd, faces=faces, settings=settings)

    def _show(
        self,
        kind: str,
        title: str,
        crowd: Gallery | Gathering,
        *,
        text: str = "",
        faces: Sequence[Face] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        if self._crowds:
            self.shown.crowd.stop()
        self._stamp += 1
        if isinstance(crowd, Gathering):
            crowd.start()
        self._crowds.append(
            Shown(self._stamp, kind, title, crowd, text, tuple(faces), dict(settings or {}))
        )
        del self._crowds[:-MOST_CROWDS]

    def _leave_all(self) -> None:
        for shown in self._crowds:
            shown.crowd.stop()
        self._crowds.clear()


def called(member: Member) -> str:
    """What somebody is called."""
    return member.name or member.face.name or unnamed(member.face.seed)


def unnamed(seed: int | None) -> str:
    """Somebody whom nobody named yet."""
    return "Unnamed" if seed is None else f"Unnamed {seed:04d}"


def take(session: Session, face: Face) -> None:
    """Make a face the current one: a seed's person as that, others with the dials moved on them.

    Raises:
        ModelError: its picture needs what this version does not have.
    """
    if face.seed is not None and face.psi is not None and not face.operations:
        session.new_person(face.seed, psi=face.psi)
    else:
        session.open_face(face)
