"""How much of a dial's movement its region shows, beside other regions of the table.

`python -m scripts.measure_regions [--faces 10] [--dials eye_bags nose_size …]`: faces that nothing
else uses (seeds 7310000 and up), each dial moved by 1.3 standard deviations away from where the
face stands. *Kept* is the share of the whole picture's movement that the dial's own instrument
still sees; instruments that look at the whole face flatter large regions. For dials of colour it is
the share of the change of colour inside of the region, if that is more.

`--gains` looks at each dial's own region only and prints what to ask more of it, for
`directions/regions.json`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.editing.faces import edit_face
from facegen.evaluation.local import inside
from facegen.evaluation.local_report import COLOURS
from facegen.face import Face
from facegen.generator import Generator
from facegen.latents import LABELS_PSI
from facegen.local.edit import load_local_editor
from facegen.local.regions import GLOBAL

FIRST_SEED = 7_310_000
STEP_SD = 1.3
MOST_GAIN = 1.25
"""More than that asked of what a region hardly shows looks like bruises and blotches."""
NO_GAIN = (
    "age", "gender", "eye_bags", "lips", "nose_size", "pointy_nose", "nose_width", "nose_length",
    "hair_length", "hair_volume", "curls", "receding", "hat",
)  # fmt: skip
"""Not asked more of: what the instruments of bags and noses miss lies around them, and more becomes
bruises; more of lips is red; hair and hats overshoot; of age and sex nearly all is theirs."""
LEAST_GAIN = 1.05
TRIED = ("mid_face", "eye_band", "mouth", "beard", "outline", "face", "person")


def main() -> None:
    """Print a line for each dial and region."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faces", type=int, default=10)
    parser.add_argument("--dials", nargs="*", default=[])
    parser.add_argument("--regions", nargs="*", default=TRIED)
    parser.add_argument("--gains", action="store_true")
    asked = parser.parse_args()
    others = () if asked.gains else asked.regions
    generator, dials = Generator.load(), DialSet.load(own=False)
    editor = load_local_editor(generator, dials)
    names = asked.dials or [n for n, region in editor.table.dials.items() if region != GLOBAL]
    rows: defaultdict[tuple[str, str], list[tuple[float, float, float, float]]] = defaultdict(list)
    for seed in range(FIRST_SEED, FIRST_SEED + asked.faces):
        face = Face.from_seed(generator, seed, LABELS_PSI)
        before = editor.measured(face)
        if before is None:
            continue
        stands = dials.in_units(before.values)
        for name in names:
            spec = dials.spec(name)
            step = STEP_SD if stands[name] < spec.mean else -STEP_SD
            after = edit_face(dials, face, {name: step * spec.unit_per_sd})
            whole = editor.measured(Face.from_w_plus(after.w_plus))
            if whole is None:
                continue
            pictures = editor.picture(face), editor.picture(Face.from_w_plus(after.w_plus))
            moved = dials.in_units(whole.values)[name] - stands[name]
            for region in dict.fromkeys((editor.table.dials[name], *others)):
                kept = editor.with_regions({name: region}).keep(face, after, [name])
                seen = editor.measured(kept)
                if seen is not None and kept.keep is not None:
                    part = dials.in_units(seen.values)[name] - stands[name]
                    if name in COLOURS:
                        coloured = inside(*pictures, editor.picture(kept), kept.keep.region)
                        part = max(part * np.sign(moved), coloured * abs(moved)) * np.sign(moved)
                    rows[name, region].append(
                        (moved, part, kept.keep.region.share, before.distance(seen))
                    )
    gains = {}
    for (name, region), found in rows.items():
        moved, part, share, distance = np.array(found).T
        kept_share = float(part @ np.sign(moved) / np.abs(moved).sum())
        gain = round(float(np.clip(1 / max(kept_share, 0.1), 1, MOST_GAIN)), 2)
        if region == editor.table.dials[name] and gain >= LEAST_GAIN and name not in NO_GAIN:
            gains[name] = gain
        print(
            f"{name:13} {region:12} kept {kept_share:4.0%}  picture {share.mean():4.0%}  "
            f"identity distance {distance.mean():.2f}"
        )
    if asked.gains:
        print(json.dumps({"gains": gains}))


if __name__ == "__main__":
    main()
