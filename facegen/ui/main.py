"""The app: page settings, navigation, and what every page shares."""

from __future__ import annotations

import html
import importlib
import importlib.util
from typing import Any

import streamlit as st

from facegen.service import loading
from facegen.ui import browser_state, keeping, kept_people, photographs, state_keys
from facegen.ui.components import messages, model_picker, view
from facegen.ui.pages import about, design, library, your_dials

QUICK_START_SECONDS = 0.6
POLL_SECONDS = 0.3
EXPLORE = "explore"


def main() -> None:
    """Draw the app."""
    st.set_page_config(
        page_title="facegen",
        page_icon=str(view.asset_path("icon.png")),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(f"<style>{view.asset('page.css')}</style>", width="content")
    pages: list[Any] = [
        st.Page(_design, title="Design", url_path="design", default=True),
        st.Page(_explore, title="Explore", url_path=EXPLORE),
        st.Page(lambda: _photo(pages), title="Photo", url_path=photographs.PAGE),
    ]
    if importlib.util.find_spec("facegen.ui.pages.sweep") is not None:
        pages.append(st.Page(_sweep, title="Pose sweep", url_path="sweep"))
    if kept_people.is_on():
        pages.append(st.Page(lambda: _library(pages), title="Library", url_path="library"))
    pages += [
        st.Page(_your_dials, title="Your dials", url_path="dials"),
        st.Page(_about, title="About", url_path="about"),
    ]
    chosen = st.navigation(pages, position="top")
    with messages.guarded():
        if keeping.is_ready():
            _go_on(pages, chosen)


def _go_on(pages: list[Any], chosen: Any) -> None:
    """Draw a page, and let the browser keep what came of it."""
    path, query = keeping.page()
    if path and not chosen.url_path and not st.query_params:
        for page in pages:
            if page.url_path == path:
                known = {name: query[name] for name in browser_state.PAGE_QUERY if name in query}
                st.switch_page(page, query_params=known)
    photographs.current()  # Whoever is there keeps it.
    goal = st.session_state.pop(state_keys.GO_TO, chosen.url_path)
    if goal != chosen.url_path:
        st.switch_page(next(page for page in pages if page.url_path == goal))
    ready = model_picker.loader().backend
    if ready is not None:
        browser_state.travel(browser_state.session(ready))
    if chosen.url_path != EXPLORE:
        browser_state.tell_page({})
    chosen.run()
    if chosen.url_path:  # Design shows it itself, with the picture.
        _current_face()
    view.close_sidebar()
    ready = model_picker.loader().backend
    session = None if ready is None else browser_state.session(ready)
    if ready is not None and session is not None:
        kept_people.follow(ready, session)
    keeping.keep(session, chosen.url_path)


def _about() -> None:
    about.page()
    model_picker.choice()


def _design() -> None:
    ready = _ready()
    if ready is not None:
        model_picker.words(ready)
        design.page(ready, _current_face)


def _explore() -> None:
    ready = _ready()
    if ready is not None:
        module = importlib.import_module("facegen.ui.pages.explore")  # with all that finds people
        module.page(ready, _go)


def _go(name: str) -> None:
    """Show the page "design", "sweep" or "dials"."""
    page = {"design": _design, "sweep": _sweep, "dials": _your_dials}[name]
    st.switch_page(st.Page(page, url_path=name, default=name == "design"))


def _sweep() -> None:
    ready = _ready()
    if ready is not None:
        module = importlib.import_module("facegen.ui.pages.sweep")
        module.show(ready, browser_state.session(ready))


def _library(pages: list[Any]) -> None:
    ready = _ready()
    if ready is not None:
        design_page = next(page for page in pages if page.title == "Design")
        library.page(ready, lambda: st.switch_page(design_page))


def _photo(pages: list[Any]) -> None:
    ready = _ready()
    if ready is not None:
        module = importlib.import_module("facegen.ui.pages.photo")
        module.page(ready, lambda: st.switch_page(pages[0]))


def _your_dials() -> None:
    ready = _ready()
    if ready is not None:
        your_dials.page(ready)


def _ready() -> loading.Backend | None:
    """What the pages need; until it is loaded, how far that is, is shown."""
    loader = model_picker.loader()
    if loader.backend is None and loader.error is None:
        loader.start()
        loader.wait(QUICK_START_SECONDS)
    if loader.backend is None:
        _loading()
    return loader.backend


def _current_face() -> None:
    """Show the current person at the right end of the navigation, on every page."""
    ready = model_picker.loader().backend
    if ready is None:
        return
    session = browser_state.session(ready)
    browser_state.write_link(session)
    # The preview does here: the full picture would keep a page of many people waiting.
    jpeg = ready.service.thumb(ready.request(session, session.state))
    thumb, safe = view.jpeg_url(jpeg), html.escape(session.name)
    st.html(
        f'<div class="fg-current" title="The current person: {safe}">'
        f'<span>{safe}</span><img src="{thumb}" alt=""></div>'
    )


@st.fragment(run_every=POLL_SECONDS)
def _loading() -> None:
    """Show how far the first start is; the page itself comes when all is ready."""
    loader = model_picker.loader()
    if loader.backend is not None:
        st.rerun()
    with st.container(key="fg_loading"):
        st.html('<div class="fg-ghost"></div>')
        if loader.error is not None:
            st.subheader("No face yet")
            st.markdown(loader.error)
            st.button("Try again", key="retry", type="primary", on_click=loader.start)
            return
        fetching = 0 < loader.done < loader.total
        st.subheader("Fetching the face model" if fetching else "Getting ready")
        if fetching:
            st.progress(
                loader.done / loader.total,
                f"{loader.done / 1e6:.1f} of {loader.total / 1e6:.1f} MB. Only the first start "
                "needs this.",
            )
            st.button("Cancel", key="cancel_fetch", on_click=loader.cancel)
        else:
            st.html('<div class="fg-busy"><i></i></div>')
            st.caption("A first face will be here in a few seconds.")
