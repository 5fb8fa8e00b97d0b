"""The words that people use for what the dials measure: one list, for sentences and for the search.

A *sense* is what a word says of one dial: the high end, the low end, or a span in the dial's unit.
A word alone has senses ("smiling"), or an adjective has them with a noun ("grey" with "hair").
`facegen.explore.query` makes conditions of them; the search for a dial uses `search_words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from facegen.controls import DIALS, THERE_OR_NOT

HIGH, LOW = 1, -1


@dataclass(frozen=True)
class Sense:
    """What a word says of a dial.

    Attributes:
        dial: Its name.
        end: HIGH or LOW; 0 where a span is meant.
        low, high: The span in the dial's unit, None for no bound.
    """

    dial: str
    end: int = 0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Spans:
    """What counts as one end of a dial, each (low, high) in its unit, None for no bound.

    Attributes:
        plain: Without a word of degree.
        slight: "slightly".
        very: "very".
        no: "not"; it leaves a gap to `plain`, so that a face in between is neither.
    """

    plain: tuple[float | None, float | None]
    slight: tuple[float | None, float | None]
    very: tuple[float | None, float | None]
    no: tuple[float | None, float | None]


USUAL_SPANS = Spans((0.8, None), (0.3, 1.1), (1.5, None), (None, 0.0))
"""Of the high end of a dial in standard deviations; the low end is its mirror image."""

# Where the usual does not fit: from the coding of the labels (directions/labels/README.md), with
# "closed" or "short" as a grade; from degrees and pixels elsewhere.
# fmt: off
SPANS: Mapping[tuple[str, int], Spans] = {
    ("yaw", HIGH): Spans((12.0, None), (5.0, 16.0), (25.0, None), (None, 8.0)),
    ("pitch", HIGH): Spans((7.0, None), (4.0, 9.0), (12.0, None), (None, 4.0)),
    ("smile", HIGH): Spans((0.0, None), (-0.6, 0.7), (0.9, None), (None, -0.4)),
    ("smile", LOW): Spans((None, -0.6), (-1.1, -0.4), (None, -1.3), (-0.4, None)),
    ("mouth_open", HIGH): Spans((0.7, None), (0.0, 1.0), (1.6, None), (None, -0.5)),
    ("mouth_open", LOW): Spans((None, -0.6), (-0.8, 0.0), (None, -1.0), (-0.3, None)),
    ("teeth", HIGH): Spans((0.4, None), (0.0, 0.8), (0.9, None), (None, -0.6)),
    ("teeth", LOW): Spans((None, -0.7), (-1.0, -0.2), (None, -1.2), (0.0, None)),
    ("eyes_open", LOW): Spans((None, -2.0), (-1.8, -0.7), (None, -2.4), (-1.0, None)),
    ("wrinkles", LOW): Spans((None, -0.4), (-0.7, 0.0), (None, -0.7), (0.3, None)),
    ("skin", HIGH): Spans((1.7, None), (0.6, 1.8), (2.4, None), (None, 0.8)),
    ("skin", LOW): Spans((None, -0.3), (-0.6, 0.0), (None, -0.8), (0.3, None)),
    ("hair_length", HIGH): Spans((0.7, None), (0.2, 0.8), (1.2, None), (None, 0.2)),
    ("hair_length", LOW): Spans((None, -0.6), (-0.8, -0.2), (None, -1.1), (-0.2, None)),
    ("curls", HIGH): Spans((1.1, None), (0.4, 1.2), (2.0, None), (None, 0.3)),
    ("curls", LOW): Spans((None, -0.3), (-0.5, 0.2), (None, -0.7), (0.3, None)),
    ("eye_blue", HIGH): Spans((1.0, None), (0.5, 1.2), (1.5, None), (None, 0.3)),
    ("eye_blue", LOW): Spans((None, -0.3), (-0.6, 0.1), (None, -0.8), (0.3, None)),
    ("light_side", HIGH): Spans((0.7, None), (0.3, 1.0), (1.4, None), (None, 0.3)),
}

_ALONE: Mapping[tuple[str, int], str] = {
    ("smile", HIGH): "smiling, smile, smiles, happy, laughing, laugh, laughs, grinning, grin, "
                     "cheerful, joyful, beaming, joy",
    ("smile", LOW): "serious, unsmiling, straight faced, solemn, earnest, poker face",
    ("mouth_open", HIGH): "open mouthed, speaking, shouting, talking, singing, yawning",
    ("teeth", HIGH): "showing teeth, shows teeth, toothy, teeth",
    ("frown", HIGH): "stern, angry, sad, frowning, frown, grumpy, moody, gloomy, cross, unhappy",
    ("frown", LOW): "friendly, kind, warm, gentle",
    ("eyes_open", HIGH): "wide eyed, wide awake, staring, surprised",
    ("eyes_open", LOW): "sleeping, asleep",
    ("eye_left", LOW): "left eye closed", ("eye_right", LOW): "right eye closed",
    ("gender", LOW): "woman, women, female, females, feminine, lady, ladies, she, mother, "
                     "grandmother, mum, mom, madam",
    ("gender", HIGH): "man, men, male, males, masculine, gentleman, gentlemen, guy, guys, he, "
                      "father, grandfather, dad, bloke, sir",
    ("wrinkles", HIGH): "wrinkled, wrinkles, wrinkly, lined, crow's feet",
    ("wrinkles", LOW): "unlined, wrinkle free",
    ("skin", HIGH): "dark skinned, black person, black people, african, dark complexion",
    ("skin", LOW): "light skinned, fair skinned, pale, fair skin, european, caucasian, fair "
                   "complexion",
    ("rosy_cheeks", HIGH): "rosy, blushing, flushed, ruddy, red cheeks",
    ("chubby", HIGH): "chubby, fat, plump, overweight, heavy set, round faced, stout, obese, "
                      "full faced",
    ("chubby", LOW): "slim, thin, skinny, slender, lean, thin faced, gaunt",
    ("oval_face", HIGH): "oval faced", ("oval_face", LOW): "angular, square faced",
    ("double_chin", HIGH): "double chin, double chinned",
    ("eye_bags", HIGH): "eye bags, bags under the eyes, tired, dark circles, weary",
    ("narrow_eyes", HIGH): "narrow eyed, squinting, asian",
    ("eye_blue", HIGH): "blue eyed", ("eye_blue", LOW): "brown eyed, dark eyed",
    ("hair_length", HIGH): "long haired", ("hair_length", LOW): "short haired, crew cut, cropped",
    ("hair_volume", HIGH): "afro", ("curls", HIGH): "curly, curls, frizzy, curly haired",
    ("bangs", HIGH): "fringe, bangs, pony",
    ("receding", HIGH): "bald, balding, receding, bald headed, no hair, hairless, high forehead, "
                        "receding hairline, thinning hair, without hair",
    ("hair_blond", HIGH): "blond, blonde, blond haired, fair haired, blonde haired",
    ("hair_black", HIGH): "black haired, dark haired",
    ("hair_red", HIGH): "redhead, ginger, red haired, redheaded, auburn",
    ("hair_gray", HIGH): "grey haired, gray haired, white haired, silver haired, greying, graying",
    ("beard", HIGH): "beard, bearded, full beard, long beard, facial hair, beards",
    ("mustache", HIGH): "moustache, mustache, moustached, mustached",
    ("goatee", HIGH): "goatee, chin beard", ("sideburns", HIGH): "sideburns, whiskers",
    ("stubble", HIGH): "stubble, stubbly, unshaven, five o'clock shadow, designer stubble",
    ("makeup", HIGH): "makeup, make up, made up, cosmetics, eyeliner, mascara, eyeshadow",
    ("lipstick", HIGH): "lipstick, red lips, painted lips",
    ("glasses", HIGH): "glasses, spectacles, eyeglasses, bespectacled, specs",
    ("sunglasses", HIGH): "sunglasses, shades, dark glasses, sun glasses",
    ("hat", HIGH): "hat, cap, beanie, headgear, hats, hatted, helmet",
    ("bg_busy", HIGH): "busy background", ("outdoors", HIGH): "outdoors, outside, outdoor, nature",
    ("outdoors", LOW): "indoors, inside, indoor, studio",
}
_SPANS_ALONE: Mapping[tuple[str, float | None, float | None], str] = {
    ("age", None, 2.5): "baby, infant, newborn, babies",
    ("age", 1.0, 4.5): "toddler, toddlers",
    ("age", 3.0, 12.5): "child, kid, children, kids, childlike",
    ("age", 12.5, 19.9): "teenager, teen, teenage, adolescent, teens, teenagers",
    ("age", 17.5, 30.0): "young adult, twen",
    ("age", 18.0, None): "adult, grown up, adults, grownup",
    ("age", None, 33.0): "young, youthful",
    ("age", 40.0, 60.0): "middle aged",
    ("age", 58.0, None): "old, elderly, senior, aged, seniors",
    ("skin", 0.7, 2.2): "brown skinned, tanned, indian, latino, latina, hispanic, olive skinned",
    ("curls", 0.3, 1.5): "wavy",
    ("yaw", -8.0, 8.0): "frontal, front view, en face",
}
_TOGETHER: Mapping[str, tuple[Sense, ...]] = {
    "girl": (Sense("gender", LOW), Sense("age", high=17.9)),
    "girls": (Sense("gender", LOW), Sense("age", high=17.9)),
    "boy": (Sense("gender", HIGH), Sense("age", high=17.9)),
    "boys": (Sense("gender", HIGH), Sense("age", high=17.9)),
    "brown hair": tuple(Sense(f"hair_{one}", LOW) for one in ("black", "blond", "gray", "red")),
    "brunette": tuple(Sense(f"hair_{one}", LOW) for one in ("black", "blond", "gray", "red")),
    "clean shaven": tuple(Sense(one, LOW) for one in ("beard", "mustache", "stubble", "goatee")),
    "shaved": tuple(Sense(one, LOW) for one in ("beard", "mustache", "stubble", "goatee")),
    "beardless": (Sense("beard", LOW),),
    "full head of hair": (Sense("receding", LOW),),
}
"""Several dials at once; what "not" makes of them is no span, so it is refused."""

NOUNS: Mapping[str, str] = {
    "hair": "hair, haired, haircut, hairs", "eyes": "eyes, eye, eyed", "skin": "skin, skinned, "
    "complexion", "face": "face, faced, faces", "lips": "lips, lip, lipped", "nose": "nose, nosed",
    "brows": "brows, eyebrows, brow, eyebrow, browed", "mouth": "mouth, mouthed",
    "chin": "chin, chinned, jaw", "cheeks": "cheeks, cheeked", "cheekbones": "cheekbones",
    "teeth": "teeth", "hairline": "hairline", "background": "background, scene, backdrop",
    "looking": "looking, looks, look, facing, turned, turning, gazing, head, turn",
    "light": "light, lighting, lit, shadow", "person": "woman, women, man, men, person, people, "
    "girl, boy, lady, guy, male, female, child, baby, kid, somebody, someone, grandmother, "
    "grandfather, girls, boys, teenager", "beard": "beard, moustache, mustache, goatee, stubble",
}
ALSO_ALONE = frozenset({"person", "beard"})
"""Nouns whose words also say something themselves: a "black woman" is a woman."""
SHADES = frozenset({"light", "dark", "pale", "bright", "strawberry", "platinum", "ash", "honey"})
"""Said of another colour, they change nothing: "light brown"."""
COLOURS = frozenset({"brown", "blond", "blonde", "red", "grey", "gray", "blue"})
WITH_NOUNS: Mapping[str, Mapping[tuple[str, int], str]] = {
    "hair": {
        ("hair_gray", HIGH): "grey, gray, white, silver, greying, graying",
        ("hair_blond", HIGH): "blond, blonde, fair, golden",
        ("hair_black", HIGH): "black, dark", ("hair_red", HIGH): "red, ginger, auburn, copper",
        ("hair_length", HIGH): "long", ("hair_length", LOW): "short, cropped",
        ("curls", HIGH): "curly, frizzy, curled, kinky", ("curls", LOW): "straight, sleek",
        ("hair_volume", HIGH): "voluminous, thick, big, bushy", ("hair_volume", LOW): "flat, fine",
        ("receding", HIGH): "receding, thinning, thin",
    },
    "eyes": {
        ("eye_blue", HIGH): "blue, light", ("eye_blue", LOW): "brown, dark",
        ("narrow_eyes", HIGH): "narrow, small, slanted", ("narrow_eyes", LOW): "large, big, round",
        ("eyes_open", LOW): "closed, shut", ("eyes_open", HIGH): "wide, open",
        ("eye_bags", HIGH): "tired, baggy",
        ("eye_distance", HIGH): "spaced, apart", ("eye_distance", LOW): "close",
    },
    "skin": {
        ("skin", HIGH): "dark, black", ("skin", LOW): "light, fair, pale, white",
        ("wrinkles", HIGH): "wrinkled, lined", ("wrinkles", LOW): "smooth",
        ("rosy_cheeks", HIGH): "rosy, ruddy",
    },
    "face": {
        ("chubby", HIGH): "round, chubby, full, plump, fat", ("chubby", LOW): "thin, slim, gaunt",
        ("oval_face", HIGH): "oval", ("oval_face", LOW): "angular, square",
        ("face_width", HIGH): "wide, broad", ("face_width", LOW): "narrow, long",
        ("wrinkles", HIGH): "wrinkled, lined", ("wrinkles", LOW): "smooth",
        ("smile", HIGH): "happy, smiling", ("smile", LOW): "serious", ("frown", HIGH): "stern, sad",
    },
    "lips": {
        ("lips", HIGH): "full, thick, plump, big", ("lips", LOW): "thin, narrow",
        ("lipstick", HIGH): "red, painted",
    },
    "nose": {
        ("nose_size", HIGH): "big, large, huge", ("nose_size", LOW): "small, little, tiny",
        ("pointy_nose", HIGH): "pointed, pointy, sharp", ("pointy_nose", LOW): "round",
        ("nose_width", HIGH): "wide, broad, flat", ("nose_width", LOW): "narrow, thin, slim",
        ("nose_length", HIGH): "long", ("nose_length", LOW): "short",
    },
    "brows": {
        ("brows", HIGH): "bushy, thick, strong", ("brows", LOW): "thin, fine",
        ("arched_brows", HIGH): "arched", ("arched_brows", LOW): "flat, straight",
        ("brow_height", HIGH): "high, raised", ("brow_height", LOW): "low, lowered",
    },
    "mouth": {
        ("mouth_open", HIGH): "open", ("mouth_open", LOW): "closed, shut",
        ("mouth_width", HIGH): "wide, big, large", ("mouth_width", LOW): "narrow, small",
    },
    "chin": {
        ("chin_length", HIGH): "long, strong", ("chin_length", LOW): "short, weak",
        ("double_chin", HIGH): "double", ("double_chin", LOW): "tight",
        ("pitch", HIGH): "raised, up", ("pitch", LOW): "lowered, down",
    },
    "cheeks": {
        ("rosy_cheeks", HIGH): "rosy, red, ruddy, blushing", ("rosy_cheeks", LOW): "pale",
        ("chubby", HIGH): "chubby, round, full", ("chubby", LOW): "hollow, thin",
    },
    "cheekbones": {
        ("cheekbones", HIGH): "high, prominent, strong", ("cheekbones", LOW): "soft, low",
    },
    "teeth": {
        ("teeth", HIGH): "shown, showing, visible", ("teeth", LOW): "hidden",
    },
    "hairline": {("receding", HIGH): "receding, high", ("receding", LOW): "low"},
    "background": {
        ("bg_busy", HIGH): "busy, cluttered, detailed", ("bg_busy", LOW): "plain, simple, blank",
        ("bg_light", HIGH): "light, bright, white", ("bg_light", LOW): "dark, black",
        ("outdoors", HIGH): "outdoor, green", ("outdoors", LOW): "indoor, studio",
    },
    "looking": {
        ("yaw", LOW): "left", ("yaw", HIGH): "right", ("pitch", HIGH): "up, upward, upwards",
        ("pitch", LOW): "down, downward, downwards",
    },
    "light": {("light_side", LOW): "left", ("light_side", HIGH): "right"},
    "person": {("skin", HIGH): "black, dark", ("skin", LOW): "white, fair, pale"},
    "beard": {("hair_gray", HIGH): "grey, gray, white"},
}
SPANS_WITH_NOUNS: Mapping[str, Mapping[str, tuple[Sense, ...]]] = {
    "hair": {
        "brown": _TOGETHER["brown hair"], "wavy": (Sense("curls", 0, 0.3, 1.5),),
        "medium": (Sense("hair_length", 0, -0.4, 0.8),),
    },
    "skin": {
        word: (Sense("skin", 0, 0.7, 2.2),) for word in ("brown", "tanned", "olive", "medium")
    },
    "person": {"brown": (Sense("skin", 0, 0.7, 2.2),)},
    "looking": {
        word: (Sense("yaw", 0, -8.0, 8.0), Sense("pitch", 0, -8.0, 8.0))
        for word in ("forward", "forwards", "straight", "ahead", "camera", "front", "viewer")
    },
}
_SEARCHED_TOO: Mapping[str, str] = {
    "yaw": "rotate side profile", "pitch": "nod", "frown": "happy emotion mood",
    "eyes_open": "eyelids awake tired sleepy", "eye_left": "wink eyelid",
    "eye_right": "wink eyelid", "brow_left": "eyebrow", "brow_right": "eyebrow",
    "age": "years", "gender": "sex girl boy", "wrinkles": "forehead old",
    "skin": "ethnicity brown white black", "chubby": "weight", "oval_face": "shape jaw",
    "face_width": "shape jaw", "chin_length": "jaw", "narrow_eyes": "ethnicity",
    "eye_blue": "color colour iris green", "hair_length": "haircut bob", "hair_volume": "haircut",
    "curls": "wavy straight", "bangs": "haircut", "hair_blond": "color", "hair_red": "color",
    "hair_black": "brunette color", "hair_gray": "color old", "beard": "shave",
    "mustache": "facial hair", "goatee": "facial hair", "sideburns": "facial hair",
    "stubble": "facial hair", "lipstick": "cosmetics makeup color", "bg_light": "brightness",
}
"""Dial -> words by which it is looked for, beside those that say something of a face."""

SLIGHT = frozenset(
    {"slight", "slightly", "bit", "little", "somewhat", "faint", "faintly", "mild", "mildly",
     "subtle", "touch", "moderately", "rather", "half"}
)
VERY = frozenset(
    {"very", "extremely", "strong", "strongly", "heavy", "heavily", "really", "broad", "broadly",
     "big", "huge", "wide", "widely", "thick", "full", "far", "fully", "completely", "quite",
     "deep", "deeply", "bright", "so", "wildly", "hard"}
)
NOT = frozenset({"no", "not", "without", "never", "isn't", "aren't", "non", "hasn't", "doesn't"})
FILLERS = frozenset(
    {"a", "an", "the", "of", "with", "and", "person", "people", "somebody", "someone", "face",
     "faces", "who", "is", "are", "has", "have", "having", "wearing", "wears", "wear", "in", "at",
     "to", "toward", "towards", "from", "her", "his", "their", "its", "that", "portrait", "photo",
     "picture", "image", "but", "being", "some", "any", "show", "me", "find", "please", "both",
     "human", "looking", "years", "year", "side", "on", "s", "i", "want", "by", "put", "as",
     "all", "also", "they", "them", "one", "body", "appearance"}
)  # fmt: skip
"""Words that say nothing here."""
# fmt: on


def is_yes_or_no(name: str) -> bool:
    """Whether somebody has what the dial is about, or has not (glasses), rather than how much."""
    return name in THERE_OR_NOT


@lru_cache(maxsize=1)
def phrases() -> Mapping[tuple[str, ...], tuple[Sense, ...]]:
    """Words in a row -> what they say; the dials' own names and labels among them."""
    found: dict[tuple[str, ...], tuple[Sense, ...]] = {}
    for entry in DIALS:
        if is_yes_or_no(entry.name) and entry.name != "gender":
            for text in (entry.label, entry.name):
                found[_split(text)] = (Sense(entry.name, HIGH),)
    for (dial, end), texts in _ALONE.items():
        found |= {_split(text): (Sense(dial, end),) for text in texts.split(",")}
    for (dial, low, high), texts in _SPANS_ALONE.items():
        found |= {_split(text): (Sense(dial, 0, low, high),) for text in texts.split(",")}
    return found | {_split(text): senses for text, senses in _TOGETHER.items()}


@lru_cache(maxsize=1)
def nouns() -> Mapping[str, str]:
    """A word for a noun -> the noun as in `adjectives`."""
    return {_split(word)[0]: noun for noun, words in NOUNS.items() for word in words.split(",")}


@lru_cache(maxsize=1)
def adjectives() -> Mapping[str, Mapping[str, tuple[Sense, ...]]]:
    """Noun -> adjective -> what the two say together."""
    found: dict[str, dict[str, tuple[Sense, ...]]] = {}
    for noun, ends in WITH_NOUNS.items():
        known = found.setdefault(noun, {})
        for (dial, end), words in ends.items():
            known |= {_split(word)[0]: (Sense(dial, end),) for word in words.split(",")}
        known |= SPANS_WITH_NOUNS.get(noun, {})
    return found


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every word that a sentence may hold."""
    alone = {word for phrase in phrases() for word in phrase}
    described = {word for known in adjectives().values() for word in known}
    return frozenset(alone | described | set(nouns()) | SLIGHT | VERY | NOT | FILLERS)


@lru_cache(maxsize=1)
def _by_dial() -> Mapping[str, str]:
    words: dict[str, set[str]] = {entry.name: set() for entry in DIALS}
    for phrase, senses in phrases().items():
        for sense in senses if len(senses) == 1 else ():
            words[sense.dial].add(" ".join(phrase))
    for noun, known in adjectives().items():
        for word, senses in known.items():
            for sense in senses if len(senses) == 1 else ():
                words[sense.dial] |= {word, *(one for one, of in nouns().items() if of == noun)}
    for name, more in _SEARCHED_TOO.items():
        words[name] |= set(more.split())
    return {name: " ".join(sorted(found)) for name, found in words.items()}


def search_words(name: str) -> str:
    """Other words that people look for a dial by, in one line; empty for a dial of one's own.

    >>> "spectacles" in search_words("glasses")
    True
    """
    return _by_dial().get(name, "")


def spans_of(name: str, end: int) -> Spans:
    """What counts as one end of a dial that is a matter of degree."""
    if (name, end) in SPANS:
        return SPANS[name, end]
    usual = SPANS.get((name, -end), USUAL_SPANS)
    if end == HIGH and (name, LOW) not in SPANS:
        return usual
    return Spans(*(_mirrored(span) for span in (usual.plain, usual.slight, usual.very, usual.no)))


def _mirrored(span: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = span
    return (None if high is None else -high, None if low is None else -low)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.strip().lower().replace("-", " ").split())
