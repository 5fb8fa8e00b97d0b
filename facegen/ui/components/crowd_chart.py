"""The map of a crowd as a chart to pan, zoom and click, drawn by Vega-Altair.

Dragging pans and the wheel zooms in the browser alone; a click tells the server who was meant.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from facegen.explore.crowd_map import CrowdMap
from facegen.service.standing import Standing

PICK = "who"
"""Name of the selection that a click makes."""
REACH = 3.4
"""Standard deviations to each side that are seen at first."""
TRIMMED = 2.0
"""Per cent of people beyond either end of the colours."""
HEIGHT = 400
DOT, LARGE_DOT, OTHERS_DOT = 70, 170, 40
OTHERS_OPACITY = 0.22
MOST_READ = 5000
JITTER_PX = 4
"""Of a pointer between press and release, in one movement: more is panning."""


def crowd_chart(
    people: Standing,
    names: Sequence[str],
    *,
    dial: Any,
    others: Standing | None = None,
    zoom: float = 1.0,
    centre: tuple[float, float] = (0.0, 0.0),
) -> alt.LayerChart:
    """The chart.

    Args:
        people: The crowd, by place.
        names: What they are called.
        dial: The dial that colours them: an entry of `DialSet.table`.
        others: People among whom they stand; pale, and not to be clicked.
        zoom: How much closer than at first.
        centre: What is in the middle, in standard deviations.
    """
    values, shown = people.values[dial.name], colour_range(people, others, dial)
    digits = ".1f" if dial.unit == "sd" else ".0f"
    table = pd.DataFrame(
        {
            "x": people.points[:, 0], "y": people.points[:, 1], "value": values,
            "place": np.arange(len(people)), "who": list(names),
        }
    )  # fmt: skip
    x, y = (
        alt.X("x:Q", scale=_seen(centre[0], zoom), axis=None),
        alt.Y("y:Q", scale=_seen(centre[1], zoom), axis=None),
    )
    # Pressed and released in one place: whoever drags does not open the one beneath.
    still = f"abs(event.movementX) + abs(event.movementY) > {JITTER_PX}"
    pick = alt.selection_point(
        name=PICK, fields=["place"], toggle="true", nearest=True, clear=False,
        on=f"[pointerdown, window:pointermove[{still}]] > pointerup",
    )  # fmt: skip
    dots = (
        alt.Chart(table)
        .mark_circle(opacity=0.9, cursor="pointer")
        .encode(
            x, y,
            color=alt.Color("value:Q", scale=_colours(shown), legend=None),
            size=alt.value(DOT if others is None else LARGE_DOT),
            stroke=alt.condition(pick, alt.value("#cb663d"), alt.value("transparent"), empty=False),
            strokeWidth=alt.value(3),
            tooltip=[
                alt.Tooltip("who:N", title="Who"),
                alt.Tooltip("value:Q", title=dial.label, format=digits),
            ],
        )
        .add_params(pick)
    )  # fmt: skip
    if others is None:
        chart = alt.layer(dots)
    else:
        pale = pd.DataFrame({"x": others.points[:, 0], "y": others.points[:, 1]})
        behind = (
            alt.Chart(pale)
            .mark_circle(opacity=OTHERS_OPACITY, color="#888", size=OTHERS_DOT)
            .encode(x, y)
        )
        chart = alt.layer(behind, dots)
    return chart.properties(height=HEIGHT).interactive().configure(background="transparent")


def _seen(middle: float, zoom: float) -> alt.Scale:
    return alt.Scale(domain=[middle - REACH / zoom, middle + REACH / zoom], nice=False)


def _colours(shown: tuple[float, float]) -> alt.Scale:
    return alt.Scale(scheme="viridis", domain=list(shown), clamp=True)


def colour_range(people: Standing, others: Standing | None, dial: Any) -> tuple[float, float]:
    """Values at the ends of the colours: rarely is somebody less or more."""
    known = people.values[dial.name]
    if others is not None:
        known = np.append(known, others.values[dial.name])
    low, high = np.percentile(known, [TRIMMED, 100 - TRIMMED]).tolist()
    return low, high


def colour_words(dial: Any, shown: tuple[float, float]) -> tuple[str, str]:
    """What the ends of the colours mean."""
    if dial.unit == "sd":
        return dial.low, dial.high
    unit = " years" if dial.unit == "years" else "°"
    low, high = (f"{value:.0f}".replace("-", "\u2212") for value in shown)
    return low, f"{high}{unit}"


def picked(event: object) -> frozenset[int]:
    """The places that were clicked so far, of what the chart sent; nothing if it is malformed."""
    chosen = event.get("selection") if isinstance(event, Mapping) else None
    points = chosen.get(PICK) if isinstance(chosen, Mapping) else None
    if not isinstance(points, list):
        return frozenset()
    found = (one.get("place") for one in points[:MOST_READ] if isinstance(one, Mapping))
    return frozenset(place for place in found if isinstance(place, int) and place >= 0)


def ends(found: CrowdMap) -> tuple[str, str, str, str]:
    """What lies at the left, the right, the bottom and the top, as safe HTML."""
    sides = (found.x.low, found.x.high, found.y.low, found.y.high)
    left, right, bottom, top = (html.escape(" · ".join(words)) for words in sides)
    return left, right, bottom, top
