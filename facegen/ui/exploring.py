"""What one visitor looks at on the page Explore: crowds, one derived from another, and a way back.

No Streamlit here: the page gives what was asked and pressed, and shows what this holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from facegen.errors import FacegenError, UsageError
from facegen.explore.grammar import QueryError
from facegen.explore.query import Query, describe
from facegen.explore.similar import Keep
from facegen.face import Face
from facegen.service.crowds import Gallery, Gathering, Member
from facegen.service.finding import PAGE, Finder
from facegen.session.edit_state import parse_seed
from facegen.session.session import Session
from facegen.ui.crowd_links import (
    MADE,
    CrowdLink,
    KeptCrowd,
    kept_text,
    packed,
    parse_link,
    read_kept,
    token_of,
    unpacked,
)
from facegen.ui.map_view import MapView

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
USUAL: Mapping[str, Mapping[str, str]] = {
    "average": {},
    "children": {"seed": "0"},
    "variants": {"strength": "0.8", "what": "", "seed": "0"},
    "similar": {"keep": "person", "seed": "0"},
}
"""Kind of a crowd -> what its settings are at first; the seed is any."""
QUERY = ("find", "people", "crowd")
"""What the address tells of this page."""
MOST_MADE, MOST_PICKED, MOST_SENTENCE = 120, 200, 1000
NOT_HERE = (
    "This link leads to people who were made in another browser, and only that one knows them. "
    "Here are those they came from."
)


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
        query: What reopens it.
    """

    stamp: int
    kind: str
    title: str
    crowd: Gallery | Gathering
    text: str = ""
    faces: tuple[Face, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    picked: tuple[int, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)


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
        self._made: dict[str, tuple[Face, str, str]] = {}
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
        gallery = Gallery(self.finder.generator, self.first)
        self._show("new", "New people", gallery, {"people": str(self.first)})

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
        self._show("found", str(query), crowd, {"find": text}, text=text)

    def _meaning(self, query: Query, chip: str) -> str:
        """What a chip asks for, in numbers."""
        meant = [one for one in query.conditions if chip in one.text.split(", ")]
        return "; ".join(describe(one, self.finder.dials) for one in meant)

    def back(self) -> None:
        """The crowd before."""
        if self.can_go_back:
            self._crowds.pop().crowd.stop()
            self._arrive()

    def _arrive(self) -> None:
        """Show what was shown before: relatives go on, people found stay as they are.

        What came from a link may never have been looked for.
        """
        self.text, self.problem = self.shown.text or self.asked, None
        crowd = self.shown.crowd
        if isinstance(crowd, Gathering) and (not crowd.count or self.shown.kind != "found"):
            crowd.start()

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
        self._derive_anew("average", faces)

    def children(self, faces: Sequence[Face]) -> None:
        """Children of two."""
        self._derive_anew("children", faces)

    def variants(self, faces: Sequence[Face]) -> None:
        """One person, differently."""
        self._derive_anew("variants", faces)

    def similar(self, faces: Sequence[Face]) -> None:
        """People like one."""
        self._derive_anew("similar", faces)

    def _derive_anew(self, kind: str, faces: Sequence[Face]) -> None:
        settings = dict(USUAL[kind])
        if "seed" in settings:
            settings["seed"] = str(secrets.randbelow(FIRST_SEEDS))
        self._derive(kind, _title(kind, faces), faces, settings)

    # -- addresses ------------------------------------------------------------------------------

    def go(self, query: Mapping[str, str]) -> str:
        """Show what an address tells.

        Args:
            query: From outside: a sentence ("find") or a first seed ("people"), and what came of
                these people ("crowd"). An empty one leads to who is shown.

        Returns:
            Why it leads to somebody else, as a sentence; empty where all is well.
        """
        wanted = {name: query[name] for name in QUERY if query.get(name)}
        wanted["find"] = " ".join(wanted.get("find", "")[:MOST_SENTENCE].split())
        if not any(wanted.values()) or wanted == {"find": "", **self.shown.query}:
            return ""
        for place, shown in enumerate(self._crowds):
            if wanted == {"find": "", **shown.query}:
                self.shown.crowd.stop()
                for left in self._crowds[place + 1 :]:
                    left.crowd.stop()
                del self._crowds[place + 1 :]
                self._arrive()
                return ""
        return self._open(wanted)

    def _open(self, wanted: Mapping[str, str]) -> str:
        first = parse_seed(wanted.get("people", ""))
        if wanted["find"]:
            if wanted["find"] != self._crowds[0].query.get("find"):
                self.ask(wanted["find"])
            if self.problem:
                return ""
        elif (first is not None and first != self.first) or self._crowds[0].kind != "new":
            self.new_people(first)
        if not wanted.get("crowd"):
            if self.can_go_back:
                return self.go(self._crowds[0].query)
            return ""
        link = parse_link(wanted["crowd"], CHOICES)
        if link is None:
            return "This link to people was cut off or changed; here are those they came from."
        try:
            faces = [self._person(token) for token in link.people]
            known = {
                name: link.settings.get(name, usual) for name, usual in USUAL[link.kind].items()
            }
            self._derive(link.kind, _title(link.kind, faces), faces, known)
        except FacegenError as err:
            return str(err)
        return ""

    def _person(self, token: str) -> Face:
        if not token.startswith(MADE):
            return Face.from_seed(self.finder.generator, int(token))
        if token not in self._made:
            raise UsageError(NOT_HERE)
        return self._made[token][0]

    def kept(self) -> tuple[str, dict[str, str]]:
        """All of this as text, and what it names: id -> text."""
        crowds = [KeptCrowd(dict(one.query), list(one.picked)) for one in self._crowds]
        bundles = {name: text for _, name, text in self._made.values()}
        space = self.finder.generator.space
        return kept_text(space, crowds, is_map=self.map.is_on), bundles

    def restore(self, text: str, bundles: Mapping[str, str]) -> None:
        """Take up again what was kept, as far as it can be read; from outside."""
        generator = self.finder.generator
        crowds, self.map.is_on = read_kept(text, generator.space, MOST_CROWDS)
        for name, kept in bundles.items():
            face = unpacked(kept, name, space=generator.space, model=generator.model)
            if face is not None and len(self._made) < MOST_MADE:
                self._made[token_of(face)] = (face, name, kept)
        for one in crowds:
            self.go(one.query)
            self.shown.picked = tuple(one.picked[:MOST_PICKED])

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
        seed = int(settings.get("seed", "0"))
        if kind == "average":
            fill = self.finder.average(faces)
        elif kind == "children":
            fill = self.finder.children(faces[0], faces[1], seed)
        elif kind == "similar":
            fill = self.finder.similar(faces[0], cast(Keep, settings["keep"]), seed)
        else:
            names = [settings["what"]] if settings["what"] else []
            fill = self.finder.variants(faces[0], names, float(settings["strength"]), seed)
        tokens = tuple(self._token(face) for face in faces)
        told = str(CrowdLink(kind, tokens, settings))
        crowd = Gathering(title, fill, most=FIRST)
        query = {**self._crowds[0].query, "crowd": told}
        self._show(kind, title, crowd, query, faces=faces, settings=settings)

    def _token(self, face: Face) -> str:
        """What tells somebody in an address; whom no seed tells is remembered."""
        token = token_of(face)
        if token.startswith(MADE) and token not in self._made:
            self._made[token] = (face, *packed(face))
            while len(self._made) > MOST_MADE:
                del self._made[next(iter(self._made))]
        return token

    def _show(
        self,
        kind: str,
        title: str,
        crowd: Gallery | Gathering,
        query: Mapping[str, str],
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
            Shown(
                self._stamp, kind, title, crowd, text, tuple(faces), dict(settings or {}),
                query=dict(query),
            )
        )  # fmt: skip
        del self._crowds[1 : 1 - MOST_CROWDS]  # From the first one all others come.

    def _leave_all(self) -> None:
        for shown in self._crowds:
            shown.crowd.stop()
        self._crowds.clear()


def _title(kind: str, faces: Sequence[Face]) -> str:
    if kind == "average":
        return f"Average of {len(faces)} people"
    return {"children": "Children", "variants": "Variants", "similar": "More like this"}[kind]


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
