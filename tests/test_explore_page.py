"""The page Explore through Streamlit's AppTest, with drawn faces."""

from __future__ import annotations

import json
import struct
import time

import fake_finding
import pytest
from fakes import FakeDials, FakeGenerator, FakeUserDials
from streamlit.testing.v1 import AppTest

from facegen.explore.query import parse
from facegen.face import Face
from facegen.service import crowds
from facegen.service.crowds import Gallery, Gathering, Member
from facegen.service.finding import Finder
from facegen.service.render import RenderService
from facegen.ui import crowd_links, exploring, keeping, kept_people, state_keys
from facegen.ui.components import crowd_chart, crowd_view, keeper, view
from facegen.ui.exploring import Exploring
from facegen.ui.pages import explore, explore_map

SECONDS = 120  # until a wait gives up


def page() -> None:
    """What the app shows on this page, without the navigation."""
    import streamlit as st
    from fakes import fake_parts

    from facegen.service import loading
    from facegen.service.render import RenderService
    from facegen.ui.pages import explore

    if "ready" not in st.session_state:
        parts = fake_parts()
        st.session_state["ready"] = loading.Backend(*parts, RenderService(parts[0]))

    def go(name: str) -> None:
        st.session_state["went"] = name

    explore.page(st.session_state["ready"], go)


class Browser:
    """Sends what the components would send."""

    def __init__(self, at: AppTest, monkeypatch) -> None:
        self.at = at
        self.events: dict[tuple[str, str], object] = {}
        self.number = 0
        monkeypatch.setattr(view, "trigger", lambda key, name: self.events.pop((key, name), None))
        self.at.run()

    @property
    def head(self) -> dict:
        return unpack(self.at)[0]

    @property
    def box(self) -> dict:
        return json.loads(self.at.get_by_key("fg_ask").proto.json)

    def ask(self, text: str) -> None:
        self.events["fg_ask", "ask"] = {"n": self.box["n"] + 1, "text": text}
        self.at.run()
        assert not self.at.exception

    def tell(self, *acts: tuple, need=range(24), picked=(), stamp=None) -> dict:
        head = self.head
        self.number += 1
        sent = [
            {"n": head["acted"] + i, "what": what, "ids": list(ids), "value": value}
            for i, (what, ids, value) in enumerate(acts, 1)
        ]
        self.events["fg_crowd", "tell"] = {
            "n": self.number, "stamp": head["stamp"] if stamp is None else stamp,
            "need": list(need), "picked": list(picked), "acts": sent,
        }  # fmt: skip
        self.at.run()
        assert not self.at.exception
        return self.head

    def wait(self) -> dict:
        """Until the crowd rests."""
        self.at.session_state[state_keys.EXPLORING].shown.crowd.wait(SECONDS)
        return self.tell()


def unpack(at: AppTest) -> tuple[dict, bytes]:
    data = at.get_by_key("fg_crowd").proto.bytes
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def link(browser: Browser) -> dict[str, str]:
    query = dict(browser.at.query_params)
    return {name: one[0] if isinstance(one, list) else one for name, one in query.items()}


@pytest.fixture
def start(monkeypatch):
    fake_finding.put(monkeypatch.setattr)
    FakeUserDials().put(monkeypatch.setattr)

    def started(kept: keeper.Kept | None = None, **query: str) -> Browser:
        at = AppTest.from_function(page, default_timeout=SECONDS)
        if kept is not None:
            at.session_state[state_keys.KEPT] = kept
        for name, value in query.items():
            at.query_params[name] = value
        return Browser(at, monkeypatch)

    return started


def test_opens_with_new_people(start):
    browser = start(people="40")
    head, pictures = unpack(browser.at)
    assert [tile["name"] for tile in head["tiles"][:2]] == ["Unnamed 0040", "Unnamed 0041"]
    assert pictures.startswith(b"\xff\xd8")
    assert sum(tile["bytes"] for tile in head["tiles"]) == len(pictures)
    assert head["count"] is None  # There are always more.
    assert browser.tell(need=[900])["tiles"][0]["name"] == "Unnamed 0940"
    assert link(browser)["people"] == "40"


@pytest.mark.long
def test_a_sentence_finds_people_who_are_like_that(start):
    browser = start()
    browser.ask("woman, over 30, smiling")
    words, meanings = zip(*browser.box["chips"], strict=True)
    assert words == ("woman", "over 30", "smiling")
    assert meanings[1] == "age from 30 years on"
    head = browser.wait()
    assert len(head["tiles"]) == head["count"] == 16
    assert "1 in" in head["status"]
    assert "people looked at" in head["status"]
    generator, dials = FakeGenerator(), FakeDials(FakeGenerator())
    query = parse("woman, over 30, smiling", dials)
    for tile in head["tiles"]:
        seed = int(tile["name"].split()[1])
        assert query.meets(dials.read(generator.w_from_seed(seed, 0.7)))
        assert tile["words"].startswith("age ")
    assert link(browser)["find"] == "woman, over 30, smiling"
    browser.tell(("more", (), ""))
    more = browser.wait()
    assert more["count"] == 28
    assert len({tile["name"] for tile in more["tiles"]}) == len(more["tiles"])


@pytest.mark.long
def test_its_link_finds_them_again(start):
    browser = start(find="man, glasses")
    assert browser.box["text"] == "man, glasses"
    names = {tile["name"] for tile in browser.wait()["tiles"]}
    other = start(find="man, glasses")
    assert {tile["name"] for tile in other.wait()["tiles"]} == names


def test_a_word_that_is_not_known_is_pointed_at_and_the_people_stay(start):
    browser = start(people="40")
    before = browser.head["stamp"]
    browser.ask("woman, glases")
    error = browser.box["error"]
    assert "woman, glases"[error["start"] : error["end"]] == "glases"
    assert "glasses" in error["near"]
    assert browser.head["stamp"] == before
    browser.ask("<b>" * 200)
    assert browser.box["error"]["message"]
    browser.ask("")
    assert browser.box["error"] is None
    assert browser.head["title"] == "New people"


def test_a_sentence_that_fails_ends_the_search_and_people_stay_under_their_own_words(start):
    browser = start(find="woman, smiling")
    for text in ("flurbly", "bald with a fringe", "<script>alert(1)</script>", "x" * 900):
        browser.ask(text)
        assert browser.box["error"]["message"]
        assert browser.wait()["title"] == "woman, smiling"
        assert not browser.head["busy"]
        explored = browser.at.session_state[state_keys.EXPLORING]
        assert explored.shown.query == {"find": "woman, smiling"}
    browser.ask("woman")
    assert browser.box["error"] is None
    assert browser.head["title"] == ""
    assert explored.shown.query == {"find": "woman"}


def test_nobody_found_is_told_in_plain_words(start, monkeypatch):
    monkeypatch.setattr(fake_finding, "MOST_LOOKED_AT", 20)
    browser = start(find="woman, over 60, smiling, looking left, fringe")
    assert "Nobody like this was found" in browser.wait()["end"]


def test_a_failing_search_is_told_and_others_go_on(start, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("broken")

    from facegen.service import finding

    monkeypatch.setattr(finding, "find", broken)
    browser = start(find="woman")
    assert browser.wait()["end"] == crowds.UNEXPECTED
    browser.ask("")
    assert len(browser.tell()["tiles"]) == 24


def test_two_are_averaged_and_the_result_goes_to_design(start):
    browser = start(people="40")
    head = browser.tell(("average", (0, 3), ""), picked=(0, 3))
    assert head["title"] == "Average of 2 people"
    assert head["back"]
    head = browser.wait()
    assert [tile["words"] for tile in head["tiles"]] == ["average", "one of them", "one of them"]
    browser.tell(("design", (0,), ""))
    assert browser.at.session_state["went"] == "design"
    session = browser.at.session_state[state_keys.SESSION]
    generator = FakeGenerator()
    mean = (generator.w_from_seed(40, 0.7) + generator.w_from_seed(43, 0.7)) / 2
    assert session.w_plus() == pytest.approx(mean, abs=1e-5)
    assert browser.tell(("back", (), ""))["picked"] == [0, 3]


def test_somebody_of_a_seed_comes_to_design_with_their_seed(start):
    browser = start(people="40")
    browser.tell(("sweep", (2,), ""))
    assert browser.at.session_state["went"] == "sweep"
    assert browser.at.session_state[state_keys.SESSION].state.subject.seed == 42


def test_a_variant_stays_editable_in_design(start):
    browser = start(people="40")
    browser.tell(("variants", (1,), ""))
    head = browser.wait()
    assert head["tiles"][0]["words"] == "as is"
    first = head["stamp"]
    head = browser.tell(("set", (), "strength=1.5"))
    assert head["stamp"] > first
    [what, strength] = [pill["group"] for pill in head["pills"] if "group" in pill]
    assert [one["label"] for one in strength if one["on"]] == ["a lot"]
    assert [one["label"] for one in what if one["on"]] == ["everything"]
    browser.wait()
    browser.tell(("design", (3,), ""))
    state = browser.at.session_state[state_keys.SESSION].state
    assert state.subject.seed == 41
    assert dict(state.deltas)["smile"] != 0


@pytest.mark.parametrize(
    ("what", "ids"),
    [("average", (0, 3)), ("children", (0, 3)), ("variants", (1,)), ("similar", (2,))],
)
@pytest.mark.long
def test_the_link_of_relatives_makes_the_same_people_anywhere(start, what, ids):
    browser = start(people="40")
    browser.tell((what, ids, ""))
    browser.wait()
    title, tiles = browser.head["title"], unpack(browser.at)[1]
    query = link(browser)
    assert query["people"] == "40"
    assert query["crowd"].startswith(f"{what}:4")
    other = start(**query)
    other.wait()
    assert other.head["title"] == title
    assert unpack(other.at)[1] == tiles
    assert other.head["back"]
    assert other.tell(("back", (), ""))["title"] == "New people"
    assert link(other) == {"people": "40", "seed": link(other)["seed"]}


@pytest.mark.long
def test_relatives_of_those_made_are_known_where_they_were_made_alone(start):
    browser = start(people="40")
    browser.tell(("average", (0, 3), ""))
    browser.wait()
    browser.tell(("variants", (0,), ""), picked=(0,))
    browser.wait()
    query, tiles = link(browser), unpack(browser.at)[1]
    kept = browser.at.session_state[state_keys.EXPLORING].kept()

    other = start(**query)
    assert other.head["title"] == "New people"
    assert "another browser" in other.at.error[0].value

    again = start(kept=keeper.Kept({keeping.EXPLORED: kept[0]}, kept[1]), **query)
    again.wait()
    assert again.head["title"] == "Variants"
    assert unpack(again.at)[1] == tiles
    assert again.tell(("back", (), ""))["title"] == "Average of 2 people"
    assert again.head["picked"] == [0]


@pytest.mark.long
def test_who_is_selected_and_the_map_are_there_again(start):
    browser = start(people="40")
    browser.tell(("map", (), ""), picked=(2, 5))
    kept = browser.at.session_state[state_keys.EXPLORING].kept()
    again = start(kept=keeper.Kept({keeping.EXPLORED: kept[0]}, kept[1]), people="40")
    assert again.head["picked"] == [2, 5]
    assert again.at.get("vega_lite_chart")
    # Another address shows what it tells.
    other = start(kept=keeper.Kept({keeping.EXPLORED: kept[0]}, kept[1]), people="70")
    assert other.head["picked"] == []
    assert other.head["tiles"][0]["name"] == "Unnamed 0070"


@pytest.mark.parametrize(
    "text",
    [
        "", "average", "average:", "average:1", "children:1,2,3:seed=1", "children:1,2:seed=-1",
        "variants:1:strength=9", "variants:1:what=<b>", "similar:~12", "similar:~zzzzzzzzzz",
        "average:1,99999999999", "eval:1,2", "children:1,2:seed=1:x", "children:1,٢",
    ],
)  # fmt: skip
def test_a_link_that_was_changed_leads_to_those_it_came_from(start, text):
    assert crowd_links.parse_link(text, exploring.CHOICES) is None
    browser = start(people="40", crowd=text)
    assert browser.head["title"] == "New people"
    assert browser.head["tiles"][0]["name"] == "Unnamed 0040"


def test_what_was_kept_and_is_damaged_is_left_out():
    face = member(3).face
    name, text = crowd_links.packed(face)
    parts = {"space": face.space, "model": face.model}
    again = crowd_links.unpacked(text, name, **parts)
    assert (again.w_plus == face.w_plus).all()
    assert crowd_links.unpacked(text[:-9], name, **parts) is None
    assert crowd_links.unpacked(text, "0" * 20, **parts) is None
    for damaged in ("", "[]", "{", '{"space": 3}', '{"space": "other", "crowds": [{}]}'):
        assert crowd_links.read_kept(damaged, face.space, 9) == ([], False)
    half = {"space": face.space, "crowds": [3, {"query": {"people": "4"}}, {"query": 5}]}
    [one], _ = crowd_links.read_kept(json.dumps(half), face.space, 9)
    assert one.query == {"people": "4"}


@pytest.mark.parametrize("what", ["children", "similar"])
def test_relatives_are_shown_and_others_are_other_people(start, what):
    browser = start(people="40")
    browser.tell((what, (0, 1) if what == "children" else (0,), ""))
    before = unpack_pictures(browser.wait(), browser)
    browser.tell(("others", (), ""))
    assert unpack_pictures(browser.wait(), browser) != before


def unpack_pictures(head: dict, browser: Browser) -> bytes:
    assert len(head["tiles"]) >= 12
    return unpack(browser.at)[1]


def test_two_are_compared_large(start):
    head = start(people="40").tell(("compare", (1, 5), ""), need=())
    assert head["pair"] == [1, 5]
    assert [full["i"] for full in head["fulls"]] == [1, 5]
    assert all(full["bytes"] > 10_000 and full["error"] is None for full in head["fulls"])


@pytest.mark.long
def test_the_map_shows_the_crowd_in_colours_and_who_is_clicked_is_opened(start, monkeypatch):
    browser = start(people="40")
    assert not browser.at.get("vega_lite_chart")
    head = browser.tell(("map", (), ""))
    assert [pill["on"] for pill in head["pills"] if pill.get("what") == "map"] == [True]
    [drawn] = browser.at.get("vega_lite_chart")
    spec = json.loads(drawn.proto.spec)
    assert crowd_chart.PICK in json.dumps(spec["params"])
    ends = " ".join(one.proto.body for one in browser.at.get("html"))
    assert "gender: masculine" in ends
    assert "age: younger" in ends
    assert " years" in ends
    browser.at.selectbox(explore_map.DIAL_KEY).select("smile").run()
    assert "smiling" in " ".join(one.proto.body for one in browser.at.get("html"))

    clicked: list[dict] = [{"place": 117}]
    monkeypatch.setattr(
        explore_map.st, "altair_chart",
        lambda *_, **__: {"selection": {crowd_chart.PICK: list(clicked)}},
    )  # fmt: skip
    head = browser.tell(need=())
    assert head["opened"] == 117
    assert [full["name"] for full in head["fulls"]] == ["Unnamed 0157"]
    assert browser.tell(need=())["opened"] is None  # Once.
    clicked.clear()
    assert browser.tell(need=())["opened"] == 117  # A second click takes the mark away.
    browser.tell(("map", (), ""))
    assert browser.head["opened"] is None


@pytest.mark.long
def test_found_people_stand_among_others_on_the_map(start):
    browser = start(find="woman, smiling")
    browser.wait()
    browser.tell(("map", (), ""))
    [drawn] = browser.at.get("vega_lite_chart")
    assert len(json.loads(drawn.proto.spec)["layer"]) == 2


@pytest.mark.parametrize(
    "event",
    [None, {}, {"selection": 1}, {"selection": {"who": [1, {"place": "x"}, {"place": -1}]}}],
)
def test_of_a_chart_only_what_is_well_formed_counts(event):
    assert crowd_chart.picked(event) == frozenset()


def test_people_are_kept_in_the_library_where_it_is_ones_own(start, monkeypatch):
    monkeypatch.setattr(kept_people, "is_on", lambda: False)
    assert all(one["what"] != "keep" for one in start().head["actions"])
    monkeypatch.setattr(kept_people, "is_on", lambda: True)
    browser = start(people="40")
    browser.tell(("average", (0, 1), ""))
    browser.wait()
    browser.tell(("keep", (0, 1), ""))
    assert "2 people are kept" in browser.at.toast[0].value
    people = {person.name: person for person in kept_people.library().people()}
    assert set(people) == {"Average", "Unnamed 0040"}
    assert all(person.is_favourite for person in people.values())


def test_people_are_marked_for_a_dial_of_ones_own(start):
    browser = start(people="40")
    browser.tell(("dial", (0, 1, 2), ""))
    assert browser.at.session_state["went"] == "dials"
    assert browser.at.session_state[state_keys.MARKS] == dict.fromkeys((40, 41, 42), "has")
    browser.tell(("average", (0, 1), ""))
    browser.wait()
    assert "leave out" in browser.tell(("dial", (0, 1, 2), ""))["end"]


def test_what_is_pressed_counts_once_and_only_for_the_people_it_meant(start):
    browser = start(people="40")
    stamp = browser.head["stamp"]
    browser.tell(("variants", (1,), ""))
    after = browser.head["stamp"]
    browser.tell(("average", (0, 1), ""), stamp=stamp)
    assert browser.head["stamp"] == after
    browser.events["fg_crowd", "tell"] = {
        "n": 99, "stamp": after, "need": [], "picked": [],
        "acts": [{"n": 1, "what": "back", "ids": []}],
    }  # fmt: skip
    browser.at.run()
    assert browser.head["stamp"] == after


@pytest.mark.parametrize(
    "event",
    [None, 1, {}, {"n": "1", "stamp": 2}, {"n": 1, "stamp": None}],
)
def test_messages_that_are_malformed_are_none(event):
    assert crowd_view.read_wants(event, known=explore.BUTTONS) is None


def test_of_a_message_only_what_is_well_formed_counts():
    event = {
        "n": 1, "stamp": 2, "need": [3, -1, "4", 3, 10**12], "picked": "all",
        "acts": [None, {"n": 1}, {"n": 1, "what": "rm"}, {"n": 2, "what": "look", "ids": [5, ""]}],
    }  # fmt: skip
    wants = crowd_view.read_wants(event, known=explore.BUTTONS)
    assert (wants.need, wants.picked) == ((3,), ())
    assert [(act.what, act.ids) for act in wants.acts] == [("look", (5,))]
    assert crowd_view.read_question({"n": 1, "text": "a" * 5000})[1] == "a" * 1000
    assert crowd_view.read_question({"n": 1, "text": 5}) is None


def test_the_examples_are_understood(dials):
    for text in explore.EXAMPLES:
        assert parse(text, dials).conditions


# -- crowds ---------------------------------------------------------------------------------------


def member(seed: int) -> Member:
    return Member(Face.from_seed(FakeGenerator(), seed))


def test_a_search_that_nobody_looks_at_ends_and_goes_on_when_asked(monkeypatch):
    monkeypatch.setattr(crowds, "FORGOTTEN_SECONDS", 0.05)

    def fill(told, stop):
        while not stop():
            time.sleep(0.005)
            yield one

    one = member(1)
    crowd = Gathering("all", fill).start()
    crowd.wait(SECONDS)
    assert not crowd.is_busy
    assert not crowd.is_over
    count = crowd.count
    crowd.more(2)
    crowd.wait(SECONDS)
    assert crowd.count >= count + 2


def test_a_gallery_ends_with_the_last_seed():
    gallery = Gallery(FakeGenerator(), 2**32 - 2)
    assert gallery.member(1).face.seed == 2**32 - 1
    assert gallery.member(2) is None
    assert gallery.member(-1) is None


def test_crowds_of_the_past_are_forgotten_at_some_time(monkeypatch):
    fake_finding.put(monkeypatch.setattr)
    generator = FakeGenerator()
    explored = Exploring(Finder(RenderService(generator), generator, FakeDials(generator)), 40)
    for _ in range(30):
        explored.average(explored.faces((0, 1)))
        explored.shown.crowd.wait(SECONDS)
    steps = 0
    while explored.can_go_back:
        explored.back()
        steps += 1
    assert 5 < steps < 30
