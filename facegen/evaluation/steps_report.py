"""Write the document of `evaluate steps`: dials by steps, the solvers side by side."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.evaluation.compare import EQUAL_SD, at_equal_change
from facegen.evaluation.judge import (
    CLEAN_LEAK_SD,
    CLEAN_SUCCESS,
    FACES_FROM,
    SAME_PERSON_STRICT,
    DialResult,
)
from facegen.evaluation.steps import AGES, OLDER_YEARS, SIZES_SD, Aged, Look, Steps, share_within
from facegen.files import write_atomic
from facegen.latents import LABELS_PSI
from facegen.measure.measurer import SAME_PERSON

COUNTED_FROM = 20
"""Faces: the largest of 57 mean side effects is mostly noise where it is the mean of a few."""


def write_report(steps: Steps, dials: DialSet, *, command: str, docs: Path) -> Path:
    """Write the document into a folder; returns its path."""
    path = docs / "steps.md"
    write_atomic(path, document(steps, dials, command=command).encode())
    return path


def document(steps: Steps, dials: DialSet, *, command: str) -> str:
    """The document as Markdown."""
    solvers = list(steps.aged)
    lines = [
        "# Dials in steps of one and two standard deviations",
        "",
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d} ({platform.machine()}, "
        f"{platform.system()}).",
        "",
        f"{len(dials.names)} dials on {steps.faces} faces that nothing was learned from or tuned "
        f"on (seeds {FACES_FROM} and up, truncation {LABELS_PSI}), each moved up where the face "
        "stands below the average, else down; *plain* are the directions alone, as the program "
        "moved them at first, *dials* what it does now. **Clean**: at least half the step is made "
        f"on {CLEAN_SUCCESS:.0%} of the faces, no other measurement changes by more than "
        f"{CLEAN_LEAK_SD} of its standard deviation on average (at two as at one), and 95 % of the "
        f"faces stay nearer than {SAME_PERSON} by the descriptor ({SAME_PERSON_STRICT} for dials "
        f"that should not change the person). It is counted from {COUNTED_FROM} faces on: the "
        "largest of so many side effects is mostly noise where each is the mean of a few faces. "
        f"**Rim**: mean change of the picture's outer rim, of 255, and **natural**: within what "
        "holds 99 % of unedited faces by EfficientNet-Lite0 ([compose.md](compose.md)), both on "
        f"the pictures of the first {steps.pictured} faces, after the loop; of these faces "
        "unedited "
        f"{_share(steps.unedited)} lie within (they are less truncated than those that it was "
        "learned from).",
        "",
        *_summary(steps, dials, solvers),
        "",
        *_equal_change(steps, dials, solvers),
        "",
        "## Sex and person under age",
        "",
        f"Each face brought to an age, and made {OLDER_YEARS:g} years older, after the loop; sex "
        "kept by our classifier, which steers, and by `faceres`, which nothing steers by.",
        "",
        *_ages(steps, solvers),
        "",
        *(line for size in SIZES_SD for line in _by_dial(steps, dials, solvers, size)),
    ]
    return "\n".join(lines) + "\n"


def _summary(steps: Steps, dials: DialSet, solvers: Sequence[str]) -> list[str]:
    columns = [(solver, size) for size in SIZES_SD for solver in solvers]
    rows: dict[str, list[str]] = {}
    for solver, size in columns:
        first, after = (
            steps.results(dials, solver, size, closed=closed) for closed in (False, True)
        )
        looks = [look for name in dials.names for look in steps.looks[solver, size, name]]
        for label, value in {
            "clean at first look": _clean(steps, first),
            "clean after the loop": _clean(steps, after),
            "moved at first look": _mean(first, lambda r: r.moved),
            "moved after the loop": _mean(after, lambda r: r.moved),
            "worst side effect after the loop": _mean(after, lambda r: abs(r.worst_leak)),
            "mean leak": _mean(after, lambda r: r.mean_leak, 3),
            "scatter": _mean(after, lambda r: r.scatter, 3),
            "descriptor distance": _mean(after, lambda r: r.distance, 3),
            "face seen": f"{np.mean([r.detected for r in after]):.1%}",
            "rim": _rim(looks),
            "natural": _natural(looks),
        }.items():
            rows.setdefault(label, []).append(value)
    return [
        "| mean over the dials | " + " | ".join(f"{s}, {size:g} sd" for s, size in columns) + " |",
        "| --- |" + " ---: |" * len(columns),
        *(f"| {label} | " + " | ".join(values) + " |" for label, values in rows.items()),
    ]


def _clean(steps: Steps, results: Sequence[DialResult]) -> str:
    if steps.faces < COUNTED_FROM:
        return "–"
    return f"{sum(one.is_clean for one in results)} of {len(results)}"


def _share(answers: Sequence[bool]) -> str:
    return f"{np.mean(answers):.0%}" if answers else "–"


def _mean(
    results: Sequence[DialResult], get: Callable[[DialResult], float], digits: int = 2
) -> str:
    return f"{np.mean([get(one) for one in results]):.{digits}f}"


def _rim(looks: Sequence[Look]) -> str:
    return f"{np.mean([look.rim for look in looks]):.1f}" if looks else "–"


def _natural(looks: Sequence[Look]) -> str:
    return f"{np.mean([look.natural for look in looks]):.1%}" if looks else "–"


def _equal_change(steps: Steps, dials: DialSet, solvers: Sequence[str]) -> list[str]:
    """The first solver against the last where both made the change, one standard deviation."""
    if len(solvers) < 2:
        return []
    old, new = solvers[0], solvers[-1]
    found = [
        at_equal_change(dials, name, steps.edits[new, 1.0], steps.edits[old, 1.0])
        for name in dials.names
    ]
    both = [one for one in found if one is not None]
    if not both:
        return []
    pairs: Mapping[str, Callable[[DialResult], float]] = {
        "mean leak": lambda r: r.mean_leak,
        "scatter": lambda r: r.scatter,
        "descriptor distance": lambda r: r.distance,
    }
    lines = [
        f"Where both moved the dial by one standard deviation, to within {EQUAL_SD} of it:",
        "",
        f"| at equal change | {old} | {new} | {new} at most {old} |",
        "| --- | ---: | ---: | ---: |",
    ]
    for label, get in pairs.items():
        mine, theirs = ([get(side) for side in sides] for sides in
                        ([one.ours for one in both], [one.theirs for one in both]))  # fmt: skip
        better = sum(a <= b for a, b in zip(mine, theirs, strict=True))
        lines.append(
            f"| {label} | {np.mean(theirs):.3f} | {np.mean(mine):.3f} | "
            f"on {better} of {len(both)} dials |"
        )
    return lines


def _ages(steps: Steps, solvers: Sequence[str]) -> list[str]:
    lines = [
        "| solver | asked | faces | age, median miss | sex kept | … by faceres | median distance | "
        f"under {SAME_PERSON} |",
        "| --- |" + " ---: |" * 7,
    ]
    for solver in solvers:
        for goal in (*AGES, None):
            aged = [one for one in steps.aged[solver] if one.goal == goal]
            asked = f"+{OLDER_YEARS:g} years" if goal is None else f"{goal:g}"
            if aged:
                lines.append(f"| {solver} | {_age_cells(aged, asked)} |")
        every = [one for one in steps.aged[solver] if one.goal is not None]
        if every:
            lines.append(f"| {solver} | {_age_cells(every, 'all five')} |")
    return lines


def _age_cells(aged: Sequence[Aged], asked: str) -> str:
    misses = [abs(one.age - one.goal) for one in aged if one.goal is not None]
    miss = f"{np.median(misses):.1f}" if misses else "–"
    return " | ".join(
        [
            asked,
            f"{len(aged)}",
            miss,
            f"{np.mean([one.sex_kept for one in aged]):.0%}",
            f"{np.mean([one.judge_kept for one in aged]):.0%}",
            f"{np.median([one.distance for one in aged]):.2f}",
            f"{share_within(aged):.0%}",
        ]
    )


def _by_dial(steps: Steps, dials: DialSet, solvers: Sequence[str], size: float) -> list[str]:
    parts = ("moved", "success", "worst side effect", "distance", "same person", "rim", "natural",
             "clean")  # fmt: skip
    heads = [f"{solver}: {part}" for solver in solvers for part in parts]
    lines = [
        f"## {size:g} standard deviation{'s' if size > 1 else ''}, after the loop",
        "",
        "| dial | " + " | ".join(heads) + " |",
        "|" + " --- |" * (1 + len(heads)),
    ]
    found = {s: steps.results(dials, s, size, closed=True) for s in solvers}
    for rows in zip(*found.values(), strict=True):
        cells = [f"`{rows[0].name}`"]
        for solver, r in zip(solvers, rows, strict=True):
            looks = steps.looks[solver, size, r.name]
            cells += [
                f"{r.moved:.2f}", f"{r.success:.0%}", f"{r.worst} {r.worst_leak:+.2f}",
                f"{r.distance:.2f}", f"{r.same_person:.0%} ({r.limit})", _rim(looks),
                _natural(looks), "yes" if r.is_clean and steps.faces >= COUNTED_FROM else "",
            ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]
