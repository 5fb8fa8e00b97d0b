"""Compare somebody else's directions with our dials, at equal change of the target.

Both are scaled face by face, on the picture, until the measurement that the direction is for has
moved by one standard deviation (`facegen.editing.closed_loop`); only then are side effects and
identity set side by side. A direction that does nothing leaks nothing: without equal change of
the target such a comparison says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.svm import LinearSVC

from facegen.editing.dial_set import DialSet, DialSpec
from facegen.evaluation.judge import (
    CACHE_DIR,
    DialResult,
    Edit,
    judge_loops,
    seen_faces,
    summarise,
)
from facegen.latents import NUM_WS
from facegen.learning.cached_measurer import open_cached_measurer
from facegen.learning.labels import read_labels
from facegen.learning.learn import w_of_seeds
from facegen.protocols import Generates, Progress

BOUNDARY_DIALS = (
    "age", "gender", "smile", "beard", "hair_length", "hair_blond", "bangs", "makeup", "lips",
    "nose_size", "chubby", "skin",
)  # fmt: skip
BOUNDARY_C = 1e-3
EQUAL_SD = 0.3


class PlainDial:
    """One foreign vector that passes for a dial: `apply` adds it, scaled.

    Args:
        dials: Ours; they tell units and readings.
        name: The dial that it is compared with.
        vector: [18, 512], any length; scaled to move our reading by one unit.
        base: Where that is tried, [18, 512].

    Raises:
        ValueError: the vector does not move the reading at all.
    """

    def __init__(self, dials: DialSet, name: str, vector: np.ndarray, base: np.ndarray) -> None:
        self._dials, self._name = dials, name
        size = float(np.linalg.norm(vector)) or 1.0
        probe = np.asarray(vector, np.float64) / size
        moved = dials.read(base + probe.astype(np.float32))[name] - dials.read(base)[name]
        if abs(moved) < 1e-9:
            raise ValueError(f"the direction does not move {name}")
        self._unit = (probe / moved).astype(np.float32)

    def spec(self, name: str) -> DialSpec:
        """As of our dial."""
        return self._dials.spec(name)

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """The base with the vector added."""
        return (base + np.float32(deltas[self._name]) * self._unit).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Comparison:
    """One direction beside the dial of the same name.

    Attributes:
        name: The dial.
        ours, theirs: On the faces on which both moved the target by what was asked, to within
            EQUAL_SD standard deviations: what falls short would also leak less.
        reached_ours, reached_theirs: On what share of all faces each got there.
    """

    name: str
    ours: DialResult
    theirs: DialResult
    reached_ours: float
    reached_theirs: float


def compare(
    generator: Generates,
    dials: DialSet,
    foreign: Mapping[str, np.ndarray],
    *,
    faces: int = 32,
    cache: Path = CACHE_DIR,
    progress: Progress | None = None,
) -> list[Comparison]:
    """Set foreign directions beside our dials on the evaluation's faces.

    Args:
        generator: Generates.
        dials: Ours.
        foreign: Dial -> vector [18, 512].
        faces: How many, from seed 900000 on.
        cache: Folder that keeps what was measured.
        progress: Called with (faces done, faces in all).

    Raises:
        UnknownDialError: a name is not that of a dial.
    """
    mean_w = np.broadcast_to(generator.w_avg, (18, 512)).astype(np.float32)
    theirs = {name: PlainDial(dials, name, vector, mean_w) for name, vector in foreign.items()}
    edits: dict[str, list] = {"ours": [], "theirs": []}
    with open_cached_measurer(generator, cache) as measurer:
        for _, base, before in seen_faces(generator, measurer, faces, progress):
            own = dict.fromkeys(foreign, dials)
            edits["ours"] += judge_loops(measurer, own, dials, base, before)
            edits["theirs"] += judge_loops(measurer, theirs, dials, base, before)
    return [
        one
        for name in foreign
        if (one := at_equal_change(dials, name, edits["ours"], edits["theirs"])) is not None
    ]


def at_equal_change(
    dials: DialSet, name: str, ours: Sequence[Edit], theirs: Sequence[Edit]
) -> Comparison | None:
    """Summarise the faces on which both got there; None if there is none."""
    pairs = [pair for pair in zip(ours, theirs, strict=True) if pair[0].dial == name]
    got = [(_reached(dials, one), _reached(dials, other)) for one, other in pairs]
    equal = [pair for pair, both in zip(pairs, got, strict=True) if all(both)]
    if not equal:
        return None
    mine, yours = (summarise(dials, name, side, closed=True) for side in zip(*equal, strict=True))
    shares = [sum(side) / len(got) for side in zip(*got, strict=True)]
    return Comparison(name, mine, yours, shares[0], shares[1])


def _reached(dials: DialSet, edit: Edit) -> bool:
    if edit.after is None:
        return False
    was, now = (dials.in_units(seen.values)[edit.dial] for seen in (edit.before, edit.after))
    moved = edit.sign * (now - was) / dials.spec(edit.dial).unit_per_sd
    return bool(abs(moved - 1) <= EQUAL_SD)


def as_markdown(found: Sequence[Comparison]) -> str:
    """The comparison as a table, with the means under it."""
    lines = [
        "| dial | faces | reached: ours | theirs | leak: ours | theirs | ratio | scatter: ours | "
        "theirs | distance: ours | theirs | their worst |",
        "|" + " --- |" * 12,
    ]
    for one in found:
        a, b = one.ours, one.theirs
        lines.append(
            f"| `{one.name}` | {a.faces} | {one.reached_ours:.0%} | {one.reached_theirs:.0%} | "
            f"{a.mean_leak:.2f} | {b.mean_leak:.2f} | {a.mean_leak / b.mean_leak:.2f} | "
            f"{a.scatter:.2f} | {b.scatter:.2f} | {a.distance:.2f} | {b.distance:.2f} | "
            f"{b.worst} {b.worst_leak:+.2f} |"
        )
    means = {
        key: [float(np.mean([getattr(side, key) for side in sides])) for sides in
              ([one.ours for one in found], [one.theirs for one in found])]
        for key in ("mean_leak", "scatter", "distance")
    }  # fmt: skip
    (leak, their_leak), (scatter, their_scatter) = means["mean_leak"], means["scatter"]
    distance, their_distance = means["distance"]
    return "\n".join(
        [*lines, "",
         f"Means: leak {leak:.3f} against {their_leak:.3f} ({leak / their_leak:.2f} of theirs), "
         f"scatter {scatter:.2f} against {their_scatter:.2f}, distance {distance:.3f} against "
         f"{their_distance:.3f}."]
    )  # fmt: skip


def boundaries_from_labels(generator: Generates) -> dict[str, np.ndarray]:
    """Directions by InterFaceGAN's method (Shen et al. 2020) from the labels of this project.

    Normals of linear support vector machines in w, each for one label above against below its
    mean. No public set of directions for this space can be had without a network, so this is its
    method on our data, not anybody's file.

    Returns:
        Dial -> unit vector [18, 512], all rows alike.
    """
    seeds, labels = read_labels()
    w = w_of_seeds(generator, seeds).astype(np.float64)
    found = {}
    for name in BOUNDARY_DIALS:
        label = labels[name]
        known = np.isfinite(label)
        machine = LinearSVC(C=BOUNDARY_C, class_weight="balanced", random_state=0, max_iter=20_000)
        machine.fit(w[known], label[known] > label[known].mean())
        normal = machine.coef_[0] / np.linalg.norm(machine.coef_[0])
        found[name] = np.repeat(normal[None], NUM_WS, axis=0).astype(np.float32)
    return found
