"""Sentences become conditions on measured values; what cannot be meant points at the word."""

from __future__ import annotations

import pytest

from facegen.controls import DIALS
from facegen.explore.query import QueryError, parse
from facegen.explore.words import search_words


def spans(text: str, dials) -> dict[str, tuple[float | None, float | None]]:
    return {one.dial: (one.low, one.high) for one in parse(text, dials).conditions}


def test_the_sentence_of_a_designer(dials):
    text = "woman, 55–65, grey curly hair, glasses, slight smile, looking left"
    found = spans(text, dials)
    assert list(found) == ["gender", "age", "hair_gray", "curls", "glasses", "smile", "yaw"]
    assert found["gender"] == (None, dials.spec("gender").clear[0])
    assert found["age"] == (55.0, 65.0)
    assert found["glasses"] == (dials.spec("glasses").clear[1], None)
    low, high = found["smile"]
    assert low < 0.1 < high
    assert found["yaw"][1] < 0
    assert str(parse(text, dials)) == text


def test_the_strict_form(dials):
    found = spans("gender<-0.5 and 50<=age<=65 and glasses>1", dials)
    assert found == {"gender": (None, -0.5), "age": (50.0, 65.0), "glasses": (1.0, None)}
    assert spans("-0.5 > gender; hair_gray>=1", dials) == {
        "gender": (None, -0.5), "hair_gray": (1.0, None)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("over 60", (60.0, None)), ("60+", (60.0, None)), ("60 or older", (60.0, None)),
        ("under 30", (None, 30.0)), ("at most 30 years", (None, 30.0)),
        ("between 50 and 60", (50.0, 60.0)), ("65 to 55", (55.0, 65.0)),
        ("in her twenties", (20.0, 30.0)), ("in his late 50s", (56.0, 60.0)),
        ("about 40", (35.0, 45.0)), ("60 years old", (56.0, 64.0)), ("of sixty", (56.0, 64.0)),
        ("40-year-old", (36.0, 44.0)), ("not young", (33.0, None)), ("very old", (66.0, None)),
    ],
)  # fmt: skip
def test_ages(dials, text, age):
    assert spans(text, dials) == {"age": age}


def test_no_and_not(dials):
    no, yes = dials.spec("glasses").clear
    assert no < yes, "who might wear glasses does not count for either"
    assert spans("no glasses", dials) == {"glasses": (None, no)}
    assert set(spans("without glasses or a beard", dials)) == {"glasses", "beard"}
    assert all(low is None for low, _ in spans("without glasses or a beard", dials).values())
    assert spans("no hat, glasses", dials)["glasses"] == (yes, None), "a comma ends the not"
    assert spans("a man without a beard over 60", dials)["age"] == (60.0, None)
    assert spans("no hat glasses", dials)["glasses"] == (yes, None), "it reaches one thing"
    smiling, serious = spans("smiling", dials)["smile"], spans("not smiling", dials)["smile"]
    assert serious[1] < smiling[0], "a face between the two is neither"


def test_degrees(dials):
    plain, very = spans("curly hair", dials)["curls"], spans("very curly hair", dials)["curls"]
    slight = spans("slightly curly hair", dials)["curls"]
    assert very[0] > plain[0] > slight[0]
    assert slight[1] <= very[0]
    assert spans("smiling broadly", dials) == spans("a broad smile", dials)


def test_adjectives_belong_to_their_noun(dials):
    found = spans("black woman, dark eyes, big nose, thin lips, a dark background", dials)
    assert {"skin", "gender", "eye_blue", "nose_size", "lips", "bg_light"} == set(found)
    assert set(spans("long, grey and curly hair", dials)) == {"hair_length", "hair_gray", "curls"}
    assert spans("eyes closed", dials) == spans("closed eyes", dials)


@pytest.mark.parametrize(
    "text",
    [
        "a bearded man over 60 without glasses",
        "girl, brown hair, not smiling, no glasses or hat",
        "a black woman of 35 with curly black hair, smiling broadly",
        "clean-shaven man in his thirties looking slightly to the left",
    ],
)
def test_the_chips_say_the_same(dials, text):
    query = parse(text, dials)
    again = parse(str(query), dials)
    assert [(c.dial, c.low, c.high) for c in again.conditions] == [
        (c.dial, c.low, c.high) for c in query.conditions
    ]
    for chip in query.chips:
        parse(chip, dials)


@pytest.mark.parametrize(
    ("text", "word", "says"),
    [
        ("woman, glases", "glases", "glasses"),
        ("purple hair", "purple", "not known"),
        ("man with black", "black", "black hair"),
        ("woman, hair", "hair", "what it is like"),
        ("blond or red hair", "or", "one after the other"),
        ("bald with a fringe", "fringe", "contradict"),
        ("20, over 60", "over 60", "contradict"),
        ("woman, beard, no beard", "no beard", "contradict"),
        ("woman, 50<=age<=40", "50<=age<=40", "contradicts itself"),
        ("a man of over 120", "of over 120", "1 to 75"),
        ("woman; __import__('os')", "_", "not known"),
        ("<b>woman</b>", "<", "not known"),
        ("not a girl", "not a girl", "more than one way"),
        ("very", "very", "of what"),
        ("gray hiar", "hiar", "hair"),
        ("woman, long curly hiar, glasses", "hiar", "hair"),
        ("eyes clsoed", "clsoed", "closed"),
        ("grey, hiar", "grey", "grey hair"),
        ("man over", "over", "needs a number"),
        ("woman, ovr 50", "ovr", "over"),
        ("late fiftis", "fiftis", "fifties"),
    ],
)
def test_what_cannot_be_meant_points_at_the_word(dials, text, word, says):
    with pytest.raises(QueryError) as caught:
        parse(text, dials)
    assert text[caught.value.start : caught.value.end] == word
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", ",,,", "a person"])
def test_nothing_asked_for(dials, text):
    with pytest.raises(QueryError, match="Say what to look for"):
        parse(text, dials)


def test_absurd_texts_end_in_a_sentence(dials):
    for text in ("woman " * 100, "9" * 290, "((((" * 70, "\x00\x1b[31m", "no " * 90, "-" * 299,
                 "<" * 300, "age" * 99, "1 " * 151, "grey " * 60):  # fmt: skip
        with pytest.raises(QueryError) as caught:
            parse(text, dials)
        assert len(str(caught.value)) < 400
        assert str(caught.value).isprintable()


def test_a_space_without_a_dial_says_so(dials):
    class Few:
        names = ("age", "smile")
        spec = dials.spec

    assert [one.dial for one in parse("smiling, over 30", Few()).conditions] == ["smile", "age"]
    with pytest.raises(QueryError, match="no dial for 'glasses'"):
        parse("glasses", Few())


def test_meeting_a_query(dials):
    query = parse("woman over 60 with glasses", dials)
    assert query.meets({"gender": -1.0, "age": 63.0, "glasses": 2.0})
    assert [one.dial for one in query.missed({"gender": -1.0, "age": 59.0})] == ["age", "glasses"]


def test_every_dial_is_found_by_other_words():
    assert all(search_words(entry.name) for entry in DIALS)
    assert "bald" in search_words("receding")
    assert "happy" in search_words("smile")
    assert "ethnicity" in search_words("skin")
    assert search_words("somebody's own") == ""


def test_the_names_of_all_dials_can_be_compared(dials):
    for name in dials.names:
        assert [one.dial for one in parse(f"{name} > {dials.spec(name).mean:.1f}", dials).conditions
                ] == [name]  # fmt: skip
