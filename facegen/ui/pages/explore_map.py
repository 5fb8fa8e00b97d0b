"""The map of the people on the page Explore, above their pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import streamlit as st

from facegen.latents import MAX_SEED
from facegen.service.crowds import Gallery
from facegen.service.standing import Standing
from facegen.ui.components import crowd_chart
from facegen.ui.exploring import Exploring
from facegen.ui.map_view import MapView

CLOSER = 1.7
CLOSEST = 12.0
FIRST_DIAL = "age"
DIAL_KEY, CHART_KEY = "fg_map_dial", "fg_map_chart"


def show(exploring: Exploring, table: Sequence[Any]) -> int | None:
    """Draw the map.

    Args:
        exploring: Whose people.
        table: Entries of the dials that may colour them.

    Returns:
        The place of whoever was clicked in this run.
    """
    view, standings = exploring.map, exploring.finder.standings()
    shown = exploring.shown
    places: Sequence[int] = range(MAX_SEED)
    if isinstance(shown.crowd, Gallery):
        people, others = standings.gallery(shown.crowd), None
    else:
        known = {place: exploring.member(place) for place in range(shown.crowd.count)}
        there = {place: member for place, member in known.items() if member is not None}
        places, others = list(there), standings.others()
        people = standings.members(list(there.values()))
    with st.container(key="fg_map"):
        dial = _tools(view, people, others, table)
        if not len(people):
            st.caption("Nobody is here yet.")
            return None
        chart = crowd_chart.crowd_chart(
            people, exploring.names(len(people)), dial=dial, others=others,
            zoom=view.zoom, centre=view.centre,
        )  # fmt: skip
        left, right, bottom, top = crowd_chart.ends(standings.map())
        st.html(f'<div class="fg-map-ends"><span>↑ {top}</span></div>')
        event = st.altair_chart(
            chart, key=f"{CHART_KEY}_{shown.stamp}", on_select="rerun",
            selection_mode=crowd_chart.PICK,
        )  # fmt: skip
        st.html(
            f'<div class="fg-map-ends"><span>← {left}</span><span>↓ {bottom}</span>'
            f"<span>{right} →</span></div>"
        )
    place = view.clicked(shown.stamp, crowd_chart.picked(event))
    if place is None or place >= len(people):
        return None
    view.centre = _at(people, place)
    return places[place]


def _tools(view: MapView, people: Standing, others: Standing | None, table: Sequence[Any]) -> Any:
    """What colours the dots, and how near one looks; gives the dial."""
    known = [standing.values for standing in (people, others) if standing is not None]
    entries = {entry.name: entry for entry in table
               if not len(people) or all(entry.name in values for values in known)}  # fmt: skip
    names = list(entries)
    with st.container(key="fg_map_tools", horizontal=True, vertical_alignment="center"):
        first = names.index(FIRST_DIAL) if FIRST_DIAL in entries else 0
        chosen = st.selectbox(
            "Colours", names, index=first, key=DIAL_KEY, label_visibility="collapsed",
            format_func=lambda name: entries[name].label,
        )  # fmt: skip
        dial = entries[chosen]
        if len(people):
            shown = crowd_chart.colour_range(people, others, dial)
            low, high = map(html.escape, crowd_chart.colour_words(dial, shown))
            st.html(f'<div class="fg-map-key"><span>{low}</span><i></i><span>{high}</span></div>')
        steps = (("−", "fg_map_out", "See more of them", 1 / CLOSER),
                 ("+", "fg_map_in", "Look closer", CLOSER))  # fmt: skip
        for sign, key, help_, by in steps:
            st.button(sign, key=key, help=help_, on_click=view.zoomed, args=(by, CLOSEST))
    return dial


def _at(people: Standing, place: int) -> tuple[float, float]:
    x, y = people.points[place].tolist()
    return x, y
