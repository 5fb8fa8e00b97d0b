"""THE table of dials: what the app, the command line, the documents and the tests all read.

A dial's numbers (natural range, safe range, scores) are learned and lie beside its direction in
`directions/<space>/<name>.json`; see `facegen.editing.dial_set.DialSet`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from facegen.errors import UnknownDialError

UNIT_WORDS = {"deg": "degrees", "years": "years", "sd": "standard deviations"}


@dataclass(frozen=True)
class Dial:
    """One thing about a face that can be changed.

    Attributes:
        name: Identifier in files and on the command line.
        label: What the user reads.
        group: One of GROUPS.
        unit: "deg", "years", or "sd" (standard deviations of the natural spread of faces).
        help: One plain sentence.
        low, high: Words for the two ends.
    """

    name: str
    label: str
    group: str
    unit: str
    help: str
    low: str
    high: str


def _sd(name: str, label: str, group: str, text: str, low: str, high: str) -> Dial:
    return Dial(name, label, group, "sd", text, low, high)


GROUPS: tuple[str, ...] = (
    "Pose",
    "Expression",
    "Age & sex",
    "Face & skin",
    "Eyes & brows",
    "Nose & mouth",
    "Hair",
    "Beard",
    "Make-up",
    "Accessories",
    "Light & scene",
)

# fmt: off
DIALS: tuple[Dial, ...] = (
    Dial("yaw", "Turn", "Pose", "deg",
         "Turns the head toward the left or right edge of the picture.", "left", "right"),
    Dial("pitch", "Tilt", "Pose", "deg", "Lowers or raises the chin.", "down", "up"),
    _sd("smile", "Smile", "Expression", "From a serious face to a broad smile.",
        "serious", "smiling"),
    _sd("mouth_open", "Mouth", "Expression", "Closes or opens the mouth.", "closed", "open"),
    _sd("teeth", "Teeth", "Expression", "Hides or shows the teeth.", "hidden", "shown"),
    _sd("frown", "Mood", "Expression", "From friendly to stern or sad.", "friendly", "stern"),
    _sd("eyes_open", "Eyes open", "Expression", "Narrows or widens the eyes.", "closed", "wide"),
    _sd("eye_left", "Left eye", "Expression",
        "Closes or opens the eye on the picture's left; the other follows nearly as far.",
        "closed", "wide"),
    _sd("eye_right", "Right eye", "Expression",
        "Closes or opens the eye on the picture's right; the other follows nearly as far.",
        "closed", "wide"),
    _sd("brow_left", "Left brow", "Expression",
        "Lowers or raises the brow on the picture's left; the other follows more than half.",
        "low", "high"),
    _sd("brow_right", "Right brow", "Expression",
        "Lowers or raises the brow on the picture's right; the other follows more than half.",
        "low", "high"),
    Dial("age", "Age", "Age & sex", "years", "Makes the person younger or older.",
         "younger", "older"),
    _sd("gender", "Sex", "Age & sex", "From feminine to masculine features.",
        "feminine", "masculine"),
    _sd("wrinkles", "Wrinkles", "Age & sex", "Smooths or lines the skin.", "smooth", "lined"),
    _sd("skin", "Skin tone", "Face & skin", "From very light to very dark skin.",
        "light", "dark"),
    _sd("rosy_cheeks", "Rosy cheeks", "Face & skin", "Pales or reddens the cheeks.",
        "pale", "rosy"),
    _sd("chubby", "Fullness", "Face & skin", "From a thin to a round face.", "thin", "round"),
    _sd("oval_face", "Oval face", "Face & skin", "Makes the outline of the face more oval.",
        "angular", "oval"),
    _sd("cheekbones", "Cheekbones", "Face & skin", "Softens or raises the cheekbones.",
        "soft", "high"),
    _sd("double_chin", "Double chin", "Face & skin", "Tightens or softens the chin.",
        "tight", "double"),
    _sd("face_width", "Face width", "Face & skin", "Narrows or widens the face.",
        "narrow", "wide"),
    _sd("chin_length", "Chin", "Face & skin", "Shortens or lengthens the chin.",
        "short", "long"),
    _sd("eye_bags", "Eye bags", "Eyes & brows", "Removes or adds bags under the eyes.",
        "none", "heavy"),
    _sd("narrow_eyes", "Narrow eyes", "Eyes & brows", "From large to narrow eyes.",
        "large", "narrow"),
    _sd("eye_blue", "Eye colour", "Eyes & brows", "From brown to blue eyes.", "brown", "blue"),
    _sd("brows", "Brows", "Eyes & brows", "From thin to bushy brows.", "thin", "bushy"),
    _sd("arched_brows", "Arched brows", "Eyes & brows", "From flat to arched brows.",
        "flat", "arched"),
    _sd("brow_height", "Brow height", "Eyes & brows", "Lowers or raises the brows.",
        "low", "high"),
    _sd("eye_distance", "Eye distance", "Eyes & brows", "Moves the eyes together or apart.",
        "close", "wide apart"),
    _sd("nose_size", "Nose size", "Nose & mouth", "Makes the nose smaller or bigger.",
        "small", "big"),
    _sd("pointy_nose", "Pointed nose", "Nose & mouth", "From a round to a pointed nose.",
        "round", "pointed"),
    _sd("nose_width", "Nose width", "Nose & mouth", "Narrows or widens the nose.",
        "narrow", "wide"),
    _sd("nose_length", "Nose length", "Nose & mouth", "Shortens or lengthens the nose.",
        "short", "long"),
    _sd("mouth_width", "Mouth width", "Nose & mouth", "Narrows or widens the mouth.",
        "narrow", "wide"),
    _sd("lips", "Lips", "Nose & mouth", "Makes the lips thinner or fuller.", "thin", "full"),
    _sd("hair_length", "Hair length", "Hair", "From short to long hair.", "short", "long"),
    _sd("hair_volume", "Hair volume", "Hair", "From flat to voluminous hair.",
        "flat", "voluminous"),
    _sd("curls", "Curls", "Hair", "From straight to curly hair.", "straight", "curly"),
    _sd("bangs", "Fringe", "Hair", "Lets hair fall over the forehead.", "none", "full"),
    _sd("receding", "Receding hair", "Hair", "Moves the hairline back, up to a bald head.",
        "low hairline", "bald"),
    _sd("hair_blond", "Blond hair", "Hair", "Colours the hair blond.", "not blond", "blond"),
    _sd("hair_black", "Black hair", "Hair", "Colours the hair black.", "not black", "black"),
    _sd("hair_red", "Red hair", "Hair", "Colours the hair red.", "not red", "red"),
    _sd("hair_gray", "Grey hair", "Hair", "Colours the hair grey to white.",
        "not grey", "grey"),
    _sd("beard", "Beard", "Beard", "Shaves the face or grows a full beard.", "shaved", "full"),
    _sd("mustache", "Moustache", "Beard", "Grows a moustache.", "none", "full"),
    _sd("goatee", "Goatee", "Beard", "Grows a beard on the chin.", "none", "full"),
    _sd("sideburns", "Sideburns", "Beard", "Grows hair before the ears.", "none", "long"),
    _sd("stubble", "Stubble", "Beard", "Adds a few days' stubble.", "clean", "stubbly"),
    _sd("makeup", "Make-up", "Make-up", "Adds make-up to the whole face.", "none", "heavy"),
    _sd("lipstick", "Lipstick", "Make-up", "Colours the lips.", "none", "strong"),
    _sd("glasses", "Glasses", "Accessories", "Puts glasses on.", "none", "glasses"),
    _sd("sunglasses", "Sunglasses", "Accessories", "Puts dark glasses on.", "none", "dark"),
    _sd("hat", "Hat", "Accessories", "Puts a hat or a cap on.", "none", "hat"),
    _sd("light_side", "Light from", "Light & scene",
        "Moves the main light to the left or right of the picture.", "left", "right"),
    _sd("bg_busy", "Background", "Light & scene", "From a plain to a busy background.",
        "plain", "busy"),
    _sd("bg_light", "Background light", "Light & scene", "Darkens or lightens the background.",
        "dark", "light"),
    _sd("outdoors", "Outdoors", "Light & scene", "From indoors to outdoors.",
        "indoors", "outdoors"),
)
# fmt: on

THERE_OR_NOT = frozenset(
    {"gender", "glasses", "sunglasses", "hat", "beard", "mustache", "goatee", "stubble", "bangs",
     "receding", "makeup", "lipstick", "hair_black", "hair_blond", "hair_gray", "hair_red"}
)  # fmt: skip
"""Dials of things that somebody has or has not: once there as asked, they count as met."""
NOTHING_BETWEEN = frozenset({"glasses", "sunglasses", "hat"})
"""Of these, the ones that are on a picture or not: how much of them is no wish of its own."""

_BY_NAME = {entry.name: entry for entry in DIALS}


def dial(name: str) -> Dial:
    """The dial of this name.

    Raises:
        UnknownDialError: names the dials that are spelled most alike.
    """
    if name not in _BY_NAME:
        raise unknown_dial(name, tuple(_BY_NAME))
    return _BY_NAME[name]


def unknown_dial(name: str, known: tuple[str, ...]) -> UnknownDialError:
    """The error for a name that is not among `known`, with near matches."""
    words = {entry.label.lower(): entry.name for entry in DIALS if entry.name in known}
    words |= {entry: entry for entry in known}
    near = difflib.get_close_matches(str(name).lower(), words, n=3, cutoff=0.55)
    names = list(dict.fromkeys(words[word] for word in near))
    if names:
        advice = "Did you mean " + " or ".join(names) + "?"
    else:
        advice = "`python -m facegen dials` lists them."
    return UnknownDialError(f"No dial is called '{name}'. {advice}")


LINK_WORDS = frozenset({
    "seed", "psi", "corrected", "person", "keep", "rest", "place", "painted", "background", "find",
    "people", "crowd", "clothes",
})  # fmt: skip
"""What links tell beside dials: no dial is called so."""
