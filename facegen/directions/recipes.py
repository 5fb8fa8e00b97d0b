"""How each dial is made: the channel it moves, the rows it acts on, what it need not hold.

Rows were chosen on rendered pictures: rows 0-3 carry pose and large shapes, 4-7 features and
expression, 8 and above colour and light. A direction that leaves out rows it does not need keeps
what these rows carry, whatever the readings say.
"""

from __future__ import annotations

from dataclasses import dataclass

from facegen.controls import DIALS
from facegen.measure.face import SCENE

ALL = (0, 18)
SHAPE = (0, 8)
COLOUR = (8, 18)
FINE = (4, 18)
HAIR_ON_FACE = (4, 14)

MANLY = ("beard", "mustache", "goatee", "sideburns", "stubble")
MADE_UP = ("makeup", "lipstick")
OLD = ("wrinkles", "eye_bags", "hair_gray", "receding", "double_chin")
BACKGROUND = tuple(name for name in SCENE if name.startswith("bg_"))
MOUTH = ("smile", "mouth_open", "teeth", "frown", "cheekbones", "narrow_eyes", "rosy_cheeks")


@dataclass(frozen=True)
class Recipe:
    """How one dial is made.

    Attributes:
        channel: What it moves.
        rows: First row it needs, and one past the last; it acts on every group of rows
            (`facegen.directions.regressor.ROW_GROUPS`) that these rows touch.
        free: Readings that may move along, because they are the same thing or belong to it.
    """

    channel: str
    rows: tuple[int, int]
    free: tuple[str, ...] = ()


RECIPES: dict[str, Recipe] = {
    "yaw": Recipe("yaw", SHAPE, ("gaze", "light_side")),
    "pitch": Recipe("pitch", SHAPE, ("gaze",)),
    "smile": Recipe("smile", SHAPE, (*MOUTH, "chubby")),
    "mouth_open": Recipe("mouth_open", (2, 10), ("teeth",)),
    "teeth": Recipe("teeth", (2, 10), ("smile", "frown", "mouth_open", "cheekbones")),
    "frown": Recipe("frown", (2, 10), ("smile",)),
    "eyes_open": Recipe("eye_open", (2, 10), ("narrow_eyes",)),
    "eye_left": Recipe("eye_open_left", (2, 10), ("eye_open", "narrow_eyes")),
    "eye_right": Recipe("eye_open_right", (2, 10), ("eye_open", "narrow_eyes")),
    "brow_left": Recipe("brow_height_left", (2, 10), ("brow_height", "arched_brows")),
    "brow_right": Recipe("brow_height_right", (2, 10), ("brow_height", "arched_brows")),
    "age": Recipe("age", ALL, OLD),
    "gender": Recipe("gender", (0, 12), (*MANLY, *MADE_UP, "brows")),
    "wrinkles": Recipe("wrinkles", FINE, OLD),
    "skin": Recipe("skin", (6, 18), ("hair_black", "hair_blond", "lips")),
    "rosy_cheeks": Recipe("rosy_cheeks", COLOUR, ("cheekbones",)),
    "chubby": Recipe("chubby", (0, 10), ("double_chin", "oval_face")),
    "oval_face": Recipe("oval_face", (2, 10), ("chubby",)),
    "cheekbones": Recipe("cheekbones", (4, 14), ("rosy_cheeks",)),
    "double_chin": Recipe("double_chin", (2, 10), ("chubby",)),
    "eye_bags": Recipe("eye_bags", (4, 18), ("wrinkles",)),
    "narrow_eyes": Recipe("narrow_eyes", (4, 12), ("eye_open",)),
    "eye_blue": Recipe("eye_blue", (6, 18)),
    "brows": Recipe("brows", (4, 14)),
    "arched_brows": Recipe("arched_brows", (4, 12), ("brow_height",)),
    "nose_size": Recipe("nose_size", SHAPE, ("pointy_nose",)),
    "pointy_nose": Recipe("pointy_nose", SHAPE, ("nose_size",)),
    "lips": Recipe("lips", FINE),
    "face_width": Recipe("face_width", SHAPE, ("chubby", "oval_face")),
    "chin_length": Recipe("chin_length", SHAPE, ("double_chin", "oval_face")),
    "brow_height": Recipe("brow_height", (2, 10), ("arched_brows",)),
    "eye_distance": Recipe("eye_distance", (2, 10)),
    "nose_width": Recipe("nose_width", (2, 12), ("nose_size",)),
    "nose_length": Recipe("nose_length", SHAPE, ("pointy_nose",)),
    "mouth_width": Recipe("mouth_width", SHAPE, MOUTH),
    "hair_length": Recipe("hair_length", (0, 12), ("hair_volume",)),
    "hair_volume": Recipe("hair_volume", SHAPE, ("curls", "hair_length")),
    "curls": Recipe("curls", (0, 10), ("hair_volume",)),
    "bangs": Recipe("bangs", SHAPE, ("receding",)),
    "receding": Recipe("receding", (0, 10), ("bangs", "hair_volume")),
    "hair_blond": Recipe("hair_blond", FINE, ("hair_black", "hair_gray", "hair_red")),
    "hair_black": Recipe("hair_black", FINE, ("hair_blond", "hair_gray", "hair_red")),
    "hair_red": Recipe("hair_red", FINE, ("hair_black", "hair_blond", "hair_gray")),
    "hair_gray": Recipe("hair_gray", FINE, ("hair_black", "hair_blond", "hair_red")),
    "beard": Recipe("beard", HAIR_ON_FACE, MANLY),
    "mustache": Recipe("mustache", HAIR_ON_FACE, MANLY),
    "goatee": Recipe("goatee", HAIR_ON_FACE, MANLY),
    "sideburns": Recipe("sideburns", HAIR_ON_FACE, MANLY),
    "stubble": Recipe("stubble", HAIR_ON_FACE, MANLY),
    "makeup": Recipe("makeup", FINE, ("lipstick",)),
    "lipstick": Recipe("lipstick", FINE, ("makeup", "lips")),
    "glasses": Recipe("glasses", SHAPE),
    "sunglasses": Recipe("sunglasses", (0, 10), ("glasses",)),
    "hat": Recipe("hat", SHAPE, ("hair_volume", "receding", "bangs")),
    "light_side": Recipe("light_side", (0, 10)),
    "bg_light": Recipe("bg_light", ALL, ("outdoors",)),
    "bg_busy": Recipe("bg_busy", (2, 14), ("outdoors",)),
    "outdoors": Recipe("outdoors", (2, 18), ("bg_busy", "bg_light")),
}


TWINS: dict[str, tuple[str, ...]] = {
    "yaw": ("gaze",),
    "age": ("collar",),
    "gender": ("earrings", "necklace"),
    "smile": ("mouth_curve",),
    "mouth_open": ("mouth_label",),
    "eyes_open": ("eyes_label",),
    "eye_left": ("eyes_label",),
    "eye_right": ("eyes_label",),
    "face_width": ("jaw_width",),
    "lips": ("lip_fullness",),
    "makeup": ("earrings",),
    "lipstick": ("earrings",),
    "hair_length": BACKGROUND,
    "hair_volume": BACKGROUND,
    "curls": BACKGROUND,
    "hat": BACKGROUND,
    "light_side": ("light_label", *SCENE),
    "bg_busy": ("studio", *SCENE),
    "bg_light": ("studio", *SCENE),
    "outdoors": ("studio", *SCENE),
}
"""Measurements without a dial that go along with one: they are not held when it moves."""


KEEPING_GROUPS = ("Pose", "Expression", "Make-up", "Light & scene")
KEEPS_PERSON = frozenset(
    {entry.name for entry in DIALS if entry.group in KEEPING_GROUPS}
    | {"hair_blond", "hair_black", "hair_red", "hair_gray"}
)
"""Dials that have no business with who somebody is.

Sex and shapes are the person; other hair, beards, glasses and hats cover parts of the face.
"""


SAFE: dict[str, tuple[float, float]] = {
    "yaw": (-45.0, 45.0),
    "pitch": (-25.0, 25.0),
    "age": (1.0, 75.0),
}
"""Ranges of dials with units in which a face stays a face; others: a little beyond natural."""


def same_things(name: str) -> set[str]:
    """Measurements that a dial may move along: they are the same thing, or belong to it."""
    channel = RECIPES[name].channel
    same = set(RECIPES[name].free)
    for other, recipe in RECIPES.items():
        if channel in recipe.free or other in same or recipe.channel in same:
            same |= {other, recipe.channel}
    return same - {name, channel}
