"""What projecting gives: on generated faces that nothing was tuned on, and on photographs.

    python -m scripts.measure_projection --faces 16 PHOTO...

Rows are kept in a JSON file under the cache folder, so an interrupted run goes on. Photographs are
read and never written.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.evaluation.likeness import IdentityJudges
from facegen.evaluation.projection import fine_energy_ratio, load_judge
from facegen.generator import Generator
from facegen.invert.project import DEFAULT_STEPS, Projector, load_projector
from facegen.measure.detector import at_size
from facegen.measure.measurer import load_measurer
from facegen.paths import cache_dir
from facegen.photos.align import find_faces
from facegen.photos.intake import open_photo

FIRST_SEED, PSI = 970_000, 0.8
EDITS = (
    ("age", 20.0), ("age", -20.0), ("smile", 1.5), ("smile", -1.5), ("yaw", 20.0), ("yaw", -20.0),
)  # fmt: skip
SHOWN = (0, 1, 2, 4, 5)


def judged(projector: Projector, crop: np.ndarray, w_plus: np.ndarray, judges, generator) -> dict:
    picture = generator.render(w_plus)
    numbers = projector._numbers(crop, w_plus)
    who, ours = judges.identity(crop), judges.identity(picture)
    if who is not None:
        numbers["faceres"] = -1.0 if ours is None else float(who["faceres"] @ ours["faceres"])
    return numbers | {"fine": fine_energy_ratio(crop, picture)}


def edited(generator: Generator, dials: DialSet, judges, w_plus: np.ndarray) -> dict:
    """For each edit: what share of the asked change is measured, naturalness, the same person."""
    measurer = load_measurer()
    picture = generator.render(w_plus, size=512)
    before, who = measurer.measure(picture), judges.identity(picture)
    rows = {}
    if before is None or who is None:
        return rows
    stands = dials.in_units(before.values)
    for dial, step in EDITS:
        moved = dials.apply(w_plus, {dial: step})
        shown = generator.render(moved, size=512)
        after, then = measurer.measure(shown), judges.identity(shown)
        if after is None or then is None:
            rows[f"{dial}{step:+g}"] = None
            continue
        rows[f"{dial}{step:+g}"] = {
            "came": (dials.in_units(after.values)[dial] - stands[dial]) / step,
            "natural": dials.naturalness(moved),
            "identity": float(who["MobileFaceNet"] @ then["MobileFaceNet"]),
        }
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--faces", type=int, default=16)
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--sheet", type=Path, help="Write pictures side by side here.")
    args = parser.parse_args()
    generator = Generator.load()
    dials, judges = DialSet.load(generator.space, own=False), IdentityJudges()
    projector = load_projector(generator, judge=load_judge())
    path = cache_dir() / "projection" / f"{args.steps}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = json.loads(path.read_text()) if path.exists() else {}
    sheet = []
    wanted = [(str(p), p) for p in args.photos]
    wanted += [(f"seed {FIRST_SEED + k}", FIRST_SEED + k) for k in range(args.faces)]
    for name, what in wanted:
        if name in rows and args.sheet is None:
            continue
        true = None if isinstance(what, Path) else generator.w_from_seed(what, PSI)
        crop = (
            find_faces(open_photo(what).image)[0].crop if true is None else generator.render(true)
        )
        begun = time.process_time()
        found = projector.project(crop, steps=args.steps)
        row = {
            "processor_s": time.process_time() - begun,
            "seconds": found.seconds,
            "encoder": judged(projector, crop, projector.encode(crop), judges, generator),
            "refined": judged(projector, crop, found.w_plus, judges, generator),
            "natural": dials.naturalness(found.w_plus),
            "edits": edited(generator, dials, judges, found.w_plus),
            "edits_of_true": None if true is None else edited(generator, dials, judges, true),
        }
        rows[name] = row
        path.write_text(json.dumps(rows, indent=1))
        told = {k: round(v, 3) for k, v in row["refined"].items()}
        print(name, f"{row['processor_s']:.0f} s", told, flush=True)
        shown = [crop, generator.render(projector.encode(crop)), generator.render(found.w_plus)]
        shown += [
            generator.render(dials.apply(found.w_plus, {d: s})) for d, s in EDITS[:3] + EDITS[4:]
        ]
        sheet.append(np.hstack([at_size(one, 256) for one in shown]))
        if args.sheet is not None:
            cv2.imwrite(str(args.sheet), np.vstack(sheet)[..., ::-1])
    report(rows)


def report(rows: dict) -> None:
    for title, kind in (("generated", True), ("photographs", False)):
        some = [row for name, row in rows.items() if name.startswith("seed ") is kind]
        if not some:
            continue
        print(
            f"\n{title}: {len(some)}; processor s {np.median([r['processor_s'] for r in some]):.0f}"
        )
        for number in some[0]["refined"]:
            values = [[r[w].get(number, np.nan) for r in some] for w in ("encoder", "refined")]
            print(
                f"  {number}: encoder {np.nanmedian(values[0]):.3f}, refined "
                f"{np.nanmedian(values[1]):.3f}, worst tenth "
                f"{np.nanpercentile(values[1], 10):.3f} to {np.nanpercentile(values[1], 90):.3f}"
            )
        print(f"  naturalness {np.median([r['natural'] for r in some]):.0f} %")
        for which in ("edits", "edits_of_true"):
            for edit in (f"{d}{s:+g}" for d, s in EDITS):
                made = [r[which][edit] for r in some if r.get(which) and r[which].get(edit)]
                if made:
                    told = ", ".join(f"{k} {np.median([m[k] for m in made]):.2f}" for k in made[0])
                    print(f"  {which} {edit}: {told} ({len(made)})")


if __name__ == "__main__":
    main()
