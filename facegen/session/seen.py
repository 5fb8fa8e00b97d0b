"""How far the picture was seen to be from the prediction, kept until it is measured again.

A dial stands where the picture says. While the face changes, its new picture is not measured yet:
dials that were not asked anew keep the distance they were last seen to have, so that handles do
not jump to predictions and back. And a dial is turned from where it is seen: what the picture was
short of is asked on top (a correction), less and less toward where the subject stands at first, so
that a dial that is put back asks for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from facegen.editing.closed_loop import carried_share
from facegen.protocols import Dials, Moves
from facegen.session.edit_state import EditState
from facegen.session.readouts import Scale

FURTHEST_GAP_SD = 1.5
"""More than this is no miss of the picture but another thing seen; it is not asked on top."""
AT_START_SD = 0.05


class LastSeen:
    """What the newest measured state showed beside its prediction."""

    def __init__(self) -> None:
        self._state: EditState | None = None
        self._gaps: dict[str, float] = {}

    def take(self, state: EditState, scale: Scale, measured: Mapping[str, float]) -> None:
        """Take what was measured on the picture of a state, in the dials' units."""
        self._state = state
        self._gaps = {name: value - scale.shown(name) for name, value in measured.items()}

    def gaps(self, state: EditState) -> dict[str, float]:
        """Dial -> measured less predicted, for those that are asked what they were when seen."""
        last = self._state
        if last is None or last.undialled.drawn_key != state.undialled.drawn_key:
            return {}
        if last.keeps_rest != state.keeps_rest:  # The same dials show otherwise.
            return {}
        was, now = dict(last.deltas), dict(state.deltas)
        return {name: gap for name, gap in self._gaps.items() if was.get(name) == now.get(name)}


def turned_from(
    dials: Dials,
    state: EditState,
    scale_of: Callable[[EditState], Scale],
    moves: Mapping[str, float],
    offsets: Mapping[str, float],
    gaps: Mapping[str, float],
) -> EditState:
    """The state with the corrections of both kinds, from what was seen where that is known.

    Args:
        dials: Of the face's space.
        state: As it is.
        scale_of: The scale of a state.
        moves: Dial -> number it is to show.
        offsets: As for `turned_from_start`.
        gaps: As for `turned_from_seen`.
    """
    told = gaps.keys() & dict(state.deltas).keys()  # By the picture.
    fresh = {name: offset for name, offset in offsets.items() if name not in told}
    state = turned_from_start(dials, state, scale_of(state), moves, fresh)
    return turned_from_seen(dials, state, scale_of(state), moves, gaps)


def turned_from_seen(
    dials: Moves,
    state: EditState,
    scale: Scale,
    moves: Mapping[str, float],
    gaps: Mapping[str, float],
) -> EditState:
    """The state with the corrections that make dials move from where they are seen.

    Args:
        dials: Of the face's space.
        state: As it is.
        scale: Of this state.
        moves: Dial -> number it is to show.
        gaps: As `LastSeen.gaps` gives them.
    """
    corrections = dict(state.corrections)
    for name in moves.keys() & gaps.keys():
        sd = dials.spec(name).unit_per_sd
        gap = min(max(gaps[name], -FURTHEST_GAP_SD * sd), FURTHEST_GAP_SD * sd)
        start = scale.start(name)
        way = scale.shown(name) + gaps[name] - start
        if abs(way) < AT_START_SD * sd:
            continue
        share = min(max((moves[name] - start) / way, 0.0), 1.0)
        corrections[name] = corrections.get(name, 0.0) - share * gap
    return replace(state, corrections=tuple(sorted(corrections.items())))


def turned_from_start(
    dials: Dials,
    state: EditState,
    scale: Scale,
    moves: Mapping[str, float],
    offsets: Mapping[str, float],
) -> EditState:
    """The state with corrections for what an edit loses of the offsets that its start showed.

    Only dials that are not corrected yet: of the others the picture has told.

    Args:
        dials: Of the face's space.
        state: As it is.
        scale: Of this state.
        moves: Dial -> number it is to show.
        offsets: Dial -> measured less predicted on the subject before any dial.
    """
    corrections = dict(state.corrections)
    fresh = [name for name in moves if name in offsets and name not in corrections]
    if not fresh:
        return state
    ways = {name: scale.wanted(name) for name, _ in state.deltas if name in dials.names}
    ways |= {name: moves[name] - scale.start(name) for name in moves}
    lost = 1 - carried_share(way / dials.spec(name).unit_per_sd for name, way in ways.items())
    corrections |= {name: lost * offsets[name] for name in fresh}
    return replace(state, corrections=tuple(sorted(corrections.items())))
