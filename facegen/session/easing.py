"""Absurd values from outside, brought to where dials and faces end, and what is said of it.

Links and files may ask for anything. A dial beyond its safe range comes back to its end, but for
what a correction may have asked on top; a latent from which even halfway to the average no face is
seen anywhere near comes nearer until it is among faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from facegen.editing.naturalness import AT_THE_EDGE_BELOW
from facegen.face import Face
from facegen.operations import DialMove
from facegen.protocols import Dials
from facegen.session.edit_state import MAX_PSI, parse_number

CORRECTIONS_SD = 2.0
"""What a correction may have put beyond the safe range, in standard deviations."""
WORDS = {"deg": "°", "years": " years"}
SEARCH_STEPS = 12
FLAT = 1e-3
"""The numbers of a face's latent differ by more; of zeros the networks draw a grey wall."""
NAMED = 5


def eased_link(
    query: Mapping[str, str], dials: Dials, base: np.ndarray, table: tuple[Any, ...]
) -> tuple[dict[str, str], str]:
    """A link with nothing absurd in it, and a sentence for what was eased ("" for nothing).

    Args:
        query: Of the link.
        dials: Of the session's space.
        base: The person of the link before any dial, [18, 512].
        table: The dials that are shown, with their labels.
    """
    eased = dict(query)
    numbers = {n: v for n in query if n in dials.names and (v := parse_number(query[n]))}
    within, said = _eased_deltas(dials, base, numbers, table)
    eased.update({name: f"{delta:g}" for name, delta in within.items() if delta != numbers[name]})
    psi = parse_number(query.get("psi", ""))
    if psi is not None and not 0 <= psi <= MAX_PSI:
        said.append(f"How unusual was eased to {min(max(psi, 0.0), MAX_PSI):g}")
    return eased, _sentence("In this link", said)


def eased_face(
    face: Face, dials: Dials, centre: np.ndarray, table: tuple[Any, ...]
) -> tuple[Face, str]:
    """A face from a file with nothing absurd in it, and a sentence for what was eased.

    Args:
        face: As it was in the file, of the space of the dials.
        dials: Of this space.
        centre: The average face, [512] or [18, 512].
        table: The dials that are shown, with their labels.
    """
    if dials.names and np.ptp(face.w_plus) < FLAT:
        average = np.broadcast_to(centre, face.w_plus.shape)
        face = replace(face, w_plus=average, base=average, operations=())
        return face, "All numbers of this latent are alike, which is no face: here is the average."
    asked = {edit.dial: edit.delta for edit in face.edits if edit.dial in dials.names}
    within, said = _eased_deltas(dials, face.base, asked, table)
    if said:
        moves = tuple(
            replace(entry, delta=within.get(entry.dial, entry.delta))
            if isinstance(entry, DialMove)
            else entry
            for entry in face.operations
        )
        face = replace(face, w_plus=dials.apply(face.base, within), operations=moves)
    if face.keep is not None and _is_no_face(face.keep.w_plus, dials, centre):
        face = face.finished(tuple(e for e in face.pixel_operations if e is not face.keep))
        said.append("what it keeps around its face shows nobody and was left out")
    if _is_no_face(face.w_plus, dials, centre):
        nearer = _nearer(face.w_plus, dials, centre)
        face = replace(face, w_plus=nearer, base=nearer, operations=())
        said = ["the whole face was brought nearer to the average"]
    return face, _sentence("This file asks for more than there is", said)


def _eased_deltas(
    dials: Dials, base: np.ndarray, deltas: Mapping[str, float], table: tuple[Any, ...]
) -> tuple[dict[str, float], list[str]]:
    labels = {dial.name: dial.label for dial in table}
    own = dials.read(base) if deltas else {}
    within, said = dict(deltas), []
    for name, delta in deltas.items():
        spec = dials.spec(name)
        low, high = (float(end) for end in spec.safe)
        slack = CORRECTIONS_SD * spec.unit_per_sd
        value = own[name] + delta
        # Somebody who is beyond by nature stays so.
        if min(low, own[name]) - slack <= value <= max(high, own[name]) + slack:
            continue
        end = min(max(value, min(low, own[name])), max(high, own[name]))
        within[name] = round(end - own[name], 3)
        said.append(f"{labels.get(name, name)} was eased to {end:.3g}{WORDS.get(spec.unit, '')}")
    return within, said


def _is_no_face(w_plus: np.ndarray, dials: Dials, centre: np.ndarray) -> bool:
    """Whether even halfway to the average there is no face anywhere near."""
    return bool(dials.names) and not dials.naturalness(centre + 0.5 * (w_plus - centre))


def _nearer(w_plus: np.ndarray, dials: Dials, centre: np.ndarray) -> np.ndarray:
    """The face furthest on the way from the average to a latent that is no edge of faces."""
    near, far = 0.0, 1.0
    for _ in range(SEARCH_STEPS):
        share = (near + far) / 2
        is_natural = dials.naturalness(centre + share * (w_plus - centre)) >= AT_THE_EDGE_BELOW
        near, far = (share, far) if is_natural else (near, share)
    return np.asarray(centre + near * (w_plus - centre), np.float32)


def _sentence(beginning: str, said: list[str]) -> str:
    if not said:
        return ""
    more = f", and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return f"{beginning}: {', '.join(said[:NAMED])}{more}."
