"""The next edit state: dials moved by deltas, or solved for targets beside locks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from facegen.editing.targets import Locks, plan, require_locks
from facegen.protocols import Dials
from facegen.session.edit_state import DELTA_DIGITS, EditState, clean_deltas, clean_psi
from facegen.session.latents import Latents

PUT_BACK = 2e-4  # A dial turned so near to where it came from (of its range) counts as put back.


def moved(
    state: EditState, deltas: Mapping[str, object], limits: Mapping[str, float], *, psi: object
) -> EditState:
    """The state with exactly these deltas; absent dials stand at zero.

    Args:
        state: As it is.
        deltas: Dial -> change in its unit, from anywhere.
        limits: As for `clean_deltas`.
        psi: Truncation; None keeps it.
    """
    new_psi = state.psi if psi is None else clean_psi(psi, state.psi)
    kept = clean_deltas(deltas, limits)
    asked = {name for name, delta in kept if delta}
    corrections = tuple((name, more) for name, more in state.corrections if name in asked)
    return EditState(state.subject, new_psi, kept, corrections)


def solved(
    state: EditState,
    targets: Mapping[str, float],
    resets: Collection[str],
    locks: Locks,
    *,
    dials: Dials,
    latents: Latents,
    limits: Mapping[str, float],
) -> EditState:
    """The state with dials at predicted readings or put back, and what is locked in its place.

    Args:
        state: As it is.
        targets: Dial -> wanted reading, in its unit.
        resets: Dials to put back.
        locks: What is held.
        dials: Of the subject's space.
        latents: Of these dials.
        limits: As for `clean_deltas`.

    Raises:
        OutOfRangeError: What is locked leaves no way there.
    """
    base = dials.read(latents.base(state))
    turns, back = {}, set(resets)
    for name, value in targets.items():
        low, high = dials.spec(name).safe
        if not math.isfinite(value):
            continue
        if abs(value - base[name]) < PUT_BACK * (high - low):
            back.add(name)
        else:
            turns[name] = value
    before = dict(state.deltas)
    asked = {name: delta for name, delta in before.items() if delta}
    planned = plan(base, asked, turns, locks, resets=back)
    deltas = {
        name: round(delta, DELTA_DIGITS) if name in locks.held else delta
        for name, delta in planned.deltas.items()
    }
    after = moved(state, deltas, limits, psi=None)
    if after.deltas:
        steps = {name: deltas[name] - before.get(name, 0.0) for name in turns}
        readings = dials.read(latents.w_plus(after))
        require_locks(dials, readings, planned.goals, locks, steps)
    return after
