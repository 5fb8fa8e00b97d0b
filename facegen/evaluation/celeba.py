"""Where the 40 attributes of CelebA (Liu et al. 2015) went: a dial, or folded into a better one.

The supervised editors before us (TL-GAN) have one knob for each of them.
"""

from __future__ import annotations

FOLDED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("5_o_Clock_Shadow", ("stubble",), ""),
    ("Arched_Eyebrows", ("arched_brows",), ""),
    ("Attractive", (), "no dial: a judgement of the raters, not a property of a face"),
    ("Bags_Under_Eyes", ("eye_bags",), ""),
    ("Bald", ("receding",), "the far end of the hairline"),
    ("Bangs", ("bangs",), ""),
    ("Big_Lips", ("lips",), ""),
    ("Big_Nose", ("nose_size",), "with nose_width and nose_length apart"),
    ("Black_Hair", ("hair_black",), ""),
    ("Blond_Hair", ("hair_blond",), ""),
    ("Blurry", (), "no dial: the generator makes no blurred faces"),
    ("Brown_Hair", ("hair_black", "hair_blond"), "what is left when neither is raised"),
    ("Bushy_Eyebrows", ("brows",), ""),
    ("Chubby", ("chubby",), ""),
    ("Double_Chin", ("double_chin",), ""),
    ("Eyeglasses", ("glasses", "sunglasses"), ""),
    ("Goatee", ("goatee",), ""),
    ("Gray_Hair", ("hair_gray",), ""),
    ("Heavy_Makeup", ("makeup",), ""),
    ("High_Cheekbones", ("cheekbones",), ""),
    ("Male", ("gender",), ""),
    ("Mouth_Slightly_Open", ("mouth_open",), ""),
    ("Mustache", ("mustache",), ""),
    ("Narrow_Eyes", ("narrow_eyes",), "with eyes_open, which is the expression"),
    ("No_Beard", ("beard",), "the low end"),
    ("Oval_Face", ("oval_face",), ""),
    ("Pale_Skin", ("skin",), "the light end"),
    ("Pointy_Nose", ("pointy_nose",), ""),
    ("Receding_Hairline", ("receding",), ""),
    ("Rosy_Cheeks", ("rosy_cheeks",), ""),
    ("Sideburns", ("sideburns",), ""),
    ("Smiling", ("smile",), ""),
    ("Straight_Hair", ("curls",), "the low end"),
    ("Wavy_Hair", ("curls",), ""),
    ("Wearing_Earrings", (), "no dial: learned and looked at, hardly visible on the pictures"),
    ("Wearing_Hat", ("hat",), ""),
    ("Wearing_Lipstick", ("lipstick",), ""),
    ("Wearing_Necklace", (), "no dial: learned and looked at, hardly visible on the pictures"),
    ("Wearing_Necktie", (), "no dial: outside the crop (4 of 1,764 labelled faces)"),
    ("Young", ("age",), "in years"),
)
"""Attribute, the dials that have it, a remark."""
