"""What people ask for: the descriptions that `evaluate compose` makes from random faces.

Nobody tuned anything on them, and nobody should: change the solver, not this list. Appending is
fine; an entry's place decides which random faces it starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

YES, NO = True, False
# Dial -> where it is sent for NO and for YES, in standard deviations: where labelled faces without
# it and with it stand in the mean (`facegen.measure.probabilities`), in round numbers, as the
# classifiers of 2026-11-26 saw them; kept, so that runs before and after can be compared.
# fmt: off
ANSWERS: Mapping[str, tuple[float, float]] = {
    "gender": (-0.8, 1.0), "glasses": (-0.5, 1.9), "sunglasses": (-0.2, 4.7), "hat": (-0.3, 1.9),
    "beard": (-0.3, 1.6), "mustache": (-0.3, 1.8), "goatee": (-0.2, 1.8), "stubble": (-0.3, 1.5),
    "bangs": (-0.4, 1.5), "receding": (-0.2, 1.6), "makeup": (-0.5, 1.0), "lipstick": (-0.5, 1.0),
    "hair_black": (-0.5, 0.9), "hair_blond": (-0.3, 1.6), "hair_gray": (-0.3, 2.4),
    "hair_red": (-0.2, 2.2),
}
# fmt: on


@dataclass(frozen=True)
class Description:
    """A person as somebody would describe them.

    Attributes:
        name: Short, for files and tables.
        text: The sentence.
        wants: Dial -> value in its unit, or YES or NO for what is there or not: then the dial is
            sent where ANSWERS says, and the classifier must say so. "gender" YES is a man.
    """

    name: str
    text: str
    wants: Mapping[str, float | bool]

    @property
    def targets(self) -> dict[str, float]:
        """Dial -> value in its unit: what a solver is sent to."""
        return {
            name: ANSWERS[name][wanted] if isinstance(wanted, bool) else float(wanted)
            for name, wanted in self.wants.items()
        }


def _of(name: str, text: str, **wants: float | bool) -> Description:
    return Description(name, text, wants)


# fmt: off
DESCRIPTIONS: tuple[Description, ...] = (
    _of("grey-curls", "a woman of 60 with grey curly hair and glasses, slightly smiling",
        gender=NO, age=60, hair_gray=YES, curls=1.5, glasses=YES, smile=0.5),
    _of("beard-hat", "a bearded man of 40 in a hat",
        gender=YES, age=40, beard=YES, hat=YES),
    _of("blond-girl", "a smiling girl of 8 with long blond hair",
        gender=NO, age=8, hair_blond=YES, hair_length=1.2, smile=1.2),
    _of("dark-beard", "a serious dark-skinned man of 30 with a beard",
        gender=YES, age=30, skin=2.3, beard=YES, smile=-1.0),
    _of("old-moustache", "a man of 66 with receding grey hair and a moustache",
        gender=YES, age=66, receding=YES, hair_gray=YES, mustache=YES),
    _of("redhead", "a fair-skinned, blue-eyed woman of 22 with red hair",
        gender=NO, age=22, hair_red=YES, eye_blue=1.2, skin=-0.8),
    _of("black-curls", "a dark-skinned woman of 35 with curly black hair, smiling broadly",
        gender=NO, age=35, skin=2.3, curls=2.0, hair_black=YES, smile=1.3),
    _of("looks-left", "a man of 50 with glasses, looking to the left",
        gender=YES, age=50, glasses=YES, yaw=-25.0),
    _of("laughing-child", "a child of 5, laughing with an open mouth",
        age=5, smile=1.4, mouth_open=1.3),
    _of("diva", "a woman of 45 with sunglasses and red lips",
        gender=NO, age=45, sunglasses=YES, lipstick=YES),
    _of("black-fringe", "a man of 25 with black hair, a fringe and narrow eyes",
        gender=YES, age=25, hair_black=YES, bangs=YES, narrow_eyes=1.2),
    _of("proud", "a woman looking to the right with her chin raised",
        gender=NO, yaw=20.0, pitch=10.0),
    _of("stern", "a stern man looking down",
        gender=YES, pitch=-10.0, frown=1.5),
    _of("grandmother", "a woman of 66 with glasses, grey hair and a lined face",
        gender=NO, age=66, glasses=YES, hair_gray=YES, wrinkles=2.0),
    _of("double-chin", "a round-faced man of 45 with a double chin and stubble",
        gender=YES, age=45, chubby=1.5, double_chin=1.3, stubble=YES),
    _of("model", "a slim woman of 28 with high cheekbones and make-up",
        gender=NO, age=28, chubby=-1.2, cheekbones=1.3, makeup=YES),
    _of("goatee-shades", "a man of 35 with a goatee and sunglasses",
        gender=YES, age=35, goatee=YES, sunglasses=YES),
    _of("schoolgirl", "a girl of 15 with a fringe and glasses",
        gender=NO, age=15, bangs=YES, glasses=YES),
    _of("viking", "a blond man of 30 with a beard, smiling",
        gender=YES, age=30, hair_blond=YES, beard=YES, smile=1.0),
    _of("brown-moustache", "a smiling brown-skinned man of 55 with a moustache",
        gender=YES, age=55, skin=1.2, mustache=YES, smile=1.0),
    _of("blond-hat", "a woman of 30 in a hat, with long blond hair",
        gender=NO, age=30, hat=YES, hair_blond=YES, hair_length=1.2),
    _of("toddler", "a toddler of 2 with wide eyes, smiling",
        age=2, eyes_open=0.8, smile=1.0),
    _of("surprised", "a woman of 40 looking to the right, mouth open and brows raised",
        gender=NO, age=40, yaw=25.0, mouth_open=1.5, brow_height=1.0),
    _of("professor", "a serious man of 60 with glasses and receding grey hair",
        gender=YES, age=60, hair_gray=YES, receding=YES, glasses=YES, smile=-1.0),
    _of("dark-grandmother", "a smiling dark-skinned woman of 63 with grey hair and glasses",
        gender=NO, age=63, skin=2.2, hair_gray=YES, glasses=YES, smile=1.0),
    _of("dark-hat", "a smiling dark-skinned man of 25 in a hat, looking to the left",
        gender=YES, age=25, skin=2.3, hat=YES, smile=1.0, yaw=-20.0),
    _of("snow-white", "a pale woman of 30 with black hair and red lips",
        gender=NO, age=30, skin=-1.0, hair_black=YES, lipstick=YES),
    _of("rocker", "a man of 35 with long hair and a beard",
        gender=YES, age=35, hair_length=1.0, beard=YES),
    _of("beach", "somebody in sunglasses, smiling broadly",
        smile=1.4, sunglasses=YES),
    _of("sixty", "the same person at 60, smiling",
        age=60, smile=1.0),
    _of("looks-up", "somebody of 25 looking up",
        age=25, pitch=12.0),
    _of("short-hair", "a woman of 50 with short hair, a big nose and thin lips",
        gender=NO, age=50, hair_length=-1.0, nose_size=1.2, lips=-1.2),
    _of("clean-shaven", "a clean-shaven, blue-eyed blond man of 20",
        gender=YES, age=20, beard=NO, hair_blond=YES, eye_blue=1.3),
    _of("full-lips", "a woman of 35 with bushy brows and full lips",
        gender=NO, age=35, brows=1.3, lips=1.3),
    _of("red-beard", "a red-haired man of 45 with a beard and glasses",
        gender=YES, age=45, hair_red=YES, beard=YES, glasses=YES),
    _of("dark-girl", "a smiling dark-skinned girl of 12 with curly hair",
        gender=NO, age=12, skin=2.0, curls=1.5, smile=1.2),
)
# fmt: on
