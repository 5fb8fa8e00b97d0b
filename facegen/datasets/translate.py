"""Faces translated to every wanted characteristic, all else as it was: a folder with a manifest.

For every face and every value of a `facegen.datasets.spec.Spec` one picture in which only that
changed, unless the face has it already. The folder is resumable, as a dataset's is: each finished
picture leaves a small record behind it, and the tables are put together at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facegen.datasets.domain import GENERATED, PHOTOGRAPH, Originals, into_photograph
from facegen.datasets.folder import (
    RECORDS,
    begin_job,
    folder_of,
    is_finished,
    latent_digest,
    read_rows,
    write_tables,
)
from facegen.datasets.spec import OTHER, Spec, Translation, Value, is_met, state, targets
from facegen.directions.recipes import same_things
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import reach_on_picture
from facegen.editing.targets import MISS_SD, missed_targets
from facegen.errors import LatentError
from facegen.face import Face
from facegen.files import write_atomic
from facegen.images import EDITED_SOURCE_TYPE, encode_png, flattened
from facegen.local.depth import of_picture
from facegen.local.edit import LocalEditor, Look, counted
from facegen.local.mixup import is_mixed, mixing_of
from facegen.local.scene import again
from facegen.measure.measurer import Measurement
from facegen.sweeps.export import json_line

FORMAT = 2
"""1: what an edit uncovered was the background of the edited latent."""
NO_ORIGINALS = Originals({}, {})
DEPTH_PX = 512
"""Edge of the pictures of the step "depth"."""
JOB_FILE = "translations.json"
MADE, HAS, LEFT_OUT, FACELESS = "made", "has it already", "left out", "no face seen"


@dataclass(frozen=True, eq=False)
class _Before:
    """A face before its translations."""

    face: Face
    seen: Measurement
    stands: dict[str, float]


def translate(
    out: Path,
    spec: Spec,
    people: Sequence[tuple[str, Face]],
    editor: LocalEditor,
    *,
    originals: Originals = NO_ORIGINALS,
    done: Callable[[int], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Make what is missing of a folder of translations, then its tables.

    Args:
        out: The folder: `images/<face>/<characteristic>-<from>-to-<value>.png`, `metadata.jsonl`,
            `manifest.parquet`, `translations.json`.
        spec: What is made of each face.
        people: Names and faces.
        editor: Draws, measures and keeps the rest.
        originals: The photographs in which faces were found.
        done: Called with a number of finished translations, those found finished included.

    Returns:
        The manifest's rows.

    Raises:
        UsageError: the folder holds another job, or other things.
        SaveError: it cannot be written; what was finished stays.
    """
    job = {
        "format": FORMAT,
        "model": editor.model,
        "synthetic": True,
        "spec": spec.record,
        "people": [[name, _digest(face)] for name, face in people],
    }
    if originals.digests:
        job["originals"] = dict(originals.digests)
    begin_job(out, JOB_FILE, job)
    if is_finished(out):
        rows = read_rows(out, len(people) * len(spec.translations))
        done(len(rows))
        return rows
    rows = []
    for number, (name, face) in enumerate(people):
        before: _Before | None = None
        for one in spec.translations:
            record = _record_path(out, number, name, one)
            row = _finished(out, record)
            if row is None:
                before = before or _look(editor, face)
                row = _made(out, spec, one, before, editor, number, name, originals.open(name))
                write_atomic(record, json_line(row))
            rows.append(row)
            done(1)
    write_tables(out, rows)
    return rows


def _digest(face: Face) -> str:
    told = repr(face.operations).encode()
    return hashlib.sha256(latent_digest(face.w_plus).encode() + told).hexdigest()


def _record_path(out: Path, number: int, name: str, one: Translation) -> Path:
    return out / RECORDS / folder_of(name, number) / f"{one.characteristic}-{one.value}.json"


def _finished(out: Path, record: Path) -> dict[str, Any] | None:
    """The row of a translation that is done; None if it is not, or its picture is gone."""
    try:
        row: dict[str, Any] = json.loads(record.read_bytes())
        if row["file_name"] is not None:
            data = (out / row["file_name"]).read_bytes()
            return row if hashlib.sha256(data).hexdigest() == row["file_sha256"] else None
        return row
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _look(editor: LocalEditor, face: Face) -> _Before | None:
    seen = editor.measured(face)
    if seen is None:
        return None
    return _Before(face, seen, editor.dials.in_units(seen.values))


def _made(
    out: Path,
    spec: Spec,
    one: Translation,
    before: _Before | None,
    editor: LocalEditor,
    number: int,
    name: str,
    crop: np.ndarray | None,
) -> dict[str, Any]:
    """Make a translation and its files; gives its row."""
    row = _empty_row(name, number, one)
    if before is None:
        return row | {"outcome": FACELESS}
    dials = editor.dials
    now = state(spec.values_of(one.characteristic), before.stands, dials)
    goals = targets(one.wanted, before.stands, dials)
    row |= {"from": now, "asked": _told(goals), "before": _told(before.stands, goals)}
    if is_met(one.wanted, before.stands, dials):
        return row | {"outcome": HAS, "met": True}
    if one.wanted.only_from and now not in one.wanted.only_from:
        return row | {"outcome": LEFT_OUT}
    if one.wanted.region is not None:
        editor = editor.with_regions(dict.fromkeys(goals, one.wanted.region))
    local = tuple(goals) if spec.keep_rest else ()
    look = Look(editor, before.face, local)
    edited, _ = reach_on_picture(
        look.dials,
        before.face,
        before.face,
        _reachable(goals, dials),
        one.wanted.lock,
        look.see,
        gains=look.gains,
    )
    after = editor.keep(before.face, edited, local)
    if spec.mixup:
        after = editor.mixed(after)
    after = again(after, before.face.operations, editor.segments_of)
    stem = f"{one.characteristic}-{now}-to-{one.value}"
    folder = f"images/{folder_of(name, number)}"
    picture = editor.picture(after, size=spec.size, alpha=True)
    face_png = png = after.to_png(picture)
    if crop is not None:
        mended = into_photograph(
            crop,
            flattened(picture),
            editor.picture(before.face, size=spec.size),
            mixing_of(after),
        )
        png = encode_png(mended, source_type=EDITED_SOURCE_TYPE)
    write_atomic(out / folder / f"{stem}.png", png)
    keep = after.keep
    if "latent" in spec.steps:
        whole = edited.to_png(editor.picture(edited, size=spec.size, alpha=True))
        write_atomic(out / folder / "steps" / f"{stem}-latent.png", whole)
    if "mask" in spec.steps and keep is not None:
        mask = np.repeat(keep.region.values[..., None], 3, axis=2)
        write_atomic(out / folder / "steps" / f"{stem}-mask.png", encode_png(mask))
    if "depth" in spec.steps:
        _write_depth(out / folder / "steps", stem, after, editor)
    face_file = f"{folder}/{stem}.png"
    if crop is not None:  # The photograph holds no face: it lies beside it.
        face_file = f"{folder}/steps/{stem}-face.png"
        write_atomic(out / face_file, face_png)
        if "domain" in spec.steps:
            write_atomic(out / folder / "steps" / f"{stem}-domain.png", png)
    own_place = one.wanted.region is not None  # Then what shows elsewhere is not meant.
    seen = _measured(before, after, one.wanted, goals, editor, () if own_place else local)
    return row | seen | {
        "file_name": f"{folder}/{stem}.png",
        "file_sha256": hashlib.sha256(png).hexdigest(),
        "outcome": MADE,
        "mixed": is_mixed(after),
        "domain": GENERATED if crop is None else PHOTOGRAPH,
        "face_file": face_file,
        "region": ", ".join(editor.table.labels(goals)) if keep is not None else "everything",
        "region_share": 1.0 if keep is None else round(keep.region.share, 4),
        "latent_sha256": latent_digest(after.w_plus),
    }  # fmt: skip


def _write_depth(folder: Path, stem: str, after: Face, editor: LocalEditor) -> None:
    """Write the picture as mixed by depth, and its depth where a face is seen."""
    picture = editor.picture(after, size=DEPTH_PX)
    write_atomic(folder / f"{stem}-mixup.png", encode_png(picture))
    try:
        depth = of_picture(picture, size=DEPTH_PX)
    except LatentError:
        return
    write_atomic(folder / f"{stem}-depth.png", depth.to_png())


def _empty_row(name: str, number: int, one: Translation) -> dict[str, Any]:
    return {
        "file_name": None, "person": name, "person_number": number,
        "characteristic": one.characteristic, "from": OTHER, "to": one.value, "outcome": MADE,
        "asked": "{}", "before": "{}", "after": "{}", "met": False, "worst_other": None,
        "worst_other_sd": None, "mean_other_sd": None, "others_kept": None,
        "identity_distance": None, "naturalness": None, "region": None, "region_share": None,
        "mixed": None, "domain": None, "face_file": None, "latent_sha256": None,
        "file_sha256": None,
    }  # fmt: skip


def _reachable(goals: Mapping[str, float], dials: DialSet) -> dict[str, float]:
    """Steps from where a face stands may lead too far: as far as there are faces."""
    return {name: float(np.clip(goal, *dials.spec(name).safe)) for name, goal in goals.items()}


def _measured(
    before: _Before,
    after: Face,
    wanted: Value,
    goals: Mapping[str, float],
    editor: LocalEditor,
    local: Sequence[str],
) -> dict[str, Any]:
    """What the translated picture shows: the targets, everything else, and the person."""
    seen = editor.measured(after)
    natural = round(editor.dials.naturalness(after.w_plus), 2)
    if seen is None:
        return {"naturalness": natural}
    dials, now = editor.dials, editor.dials.in_units(seen.values)
    whole = editor.measured(Face.from_w_plus(after.w_plus)) if local else None
    if whole is not None:  # As the corrections counted it.
        now = counted(before.stands, now, dials.in_units(whole.values), local, editor.table.gains)
    same = {other for name in goals for other in (name, *same_things(name))}
    moved = {
        name: (now[name] - before.stands[name]) / dials.spec(name).unit_per_sd
        for name in now
        if name not in same
    }
    worst = max(moved, key=lambda name: abs(moved[name]))
    sizes = np.abs(list(moved.values()))
    return {
        "after": _told(now, goals),
        "met": not missed_targets(dials, goals, now) or is_met(wanted, now, dials),
        "worst_other": worst,
        "worst_other_sd": round(moved[worst], 3),
        "mean_other_sd": round(float(sizes.mean()), 3),
        "others_kept": round(float((sizes <= MISS_SD).mean()), 3),
        "identity_distance": round(before.seen.distance(seen), 4),
        "naturalness": natural,
    }


def _told(values: Mapping[str, float], names: Mapping[str, float] | None = None) -> str:
    """Values as one text: tables hold the same columns for all."""
    chosen = {name: round(float(values[name]), 3) for name in (names or values)}
    return json.dumps(chosen, sort_keys=True)
