"""Count the modules that a drop and a drag cross: `python -m scripts.count_modules`.

The app runs in Streamlit's AppTest with drawn faces in place of the network. A module counts when
one of its functions is entered: from the upload's callback until there is a `Face`, the same until
it is the current one, and from a dial's event until the picture is handed to the page. What lies
below `render` of the generator (the network) is not counted. Modules that anyone may import (see
docs/architecture.md), and plain values such as latents, are counted apart.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import facegen

ROOT = Path(__file__).parent.parent
PACKAGE = Path(facegen.__file__).parent
FOUNDATION = {"errors", "paths", "protocols", "checks", "files", "cache", "threads", "latents",
              "images", "operations", "render_request"}  # fmt: skip


class Trace:
    """Modules of the package in the order they are entered, from one function to another's end.

    Args:
        first: "module.function" at whose call the path begins.
        last: "module.function" before whose call it ends, or `first` to end when that returns.
    """

    def __init__(self, first: str, last: str) -> None:
        self._first, self._last = first, last
        self._inside: FrameType | None = None
        self._is_over = False
        self.modules: list[str] = []

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        """Take an event of `sys.setprofile`."""
        if self._is_over or event not in ("call", "return"):
            return
        name = module_of(frame)
        if name is None:
            return
        at = f"{name}.{frame.f_code.co_name}"
        if event == "return":
            self._is_over = frame is self._inside
            return
        if self._inside is None and at == self._first:
            self._inside = frame
        if self._inside is not None:
            if at == self._last and frame is not self._inside:
                self._is_over = True
                return
            if name not in self.modules:
                self.modules.append(name)


def module_of(frame: FrameType) -> str | None:
    """Name of the package's module whose function a frame runs; None for all else."""
    code = frame.f_code
    path = Path(code.co_filename)
    if code.co_name == "<module>" or PACKAGE not in path.parents:
        return None
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Follow calls in all threads that begin inside."""
    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def drop(at: Any, png: bytes, last: str, number: int) -> Trace:
    """A saved face dropped on the page, until a function is called."""
    with tracing(Trace("ui.components.toolbar.opened", last)) as trace:
        at.file_uploader(key=f"fg_open_{number}").upload("face.png", png).run()
    return trace


def drag(at: Any, view: Any) -> Trace:
    """A dial turned, until the picture is handed to the page."""
    import json

    panel = json.loads(at.get_by_key("fg_panel").proto.json)
    event = {
        "n": 1, "rev": panel["rev"], "final": True, "what": "smile", "moves": {"smile": 1.0},
    }  # fmt: skip
    events = [event]
    original = view.trigger
    view.trigger = lambda key, kind: events.pop() if kind == "edit" and events else None
    try:
        with tracing(Trace("ui.pages.design._stage", "ui.components.view.face_view")) as trace:
            at.run()
    finally:
        view.trigger = original
    return trace


def main() -> None:
    """Print both paths."""
    sys.path.insert(0, str(ROOT / "tests"))
    from fakes import FakeGenerator, fake_parts
    from streamlit.testing.v1 import AppTest

    from facegen.face import Face
    from facegen.service import loading, measuring
    from facegen.ui.components import view

    def nothing() -> None:
        raise facegen.FacegenError("Nothing is measured here.")

    loading.load_parts = fake_parts
    measuring.load_measure = nothing  # type: ignore[assignment]
    face = Face.from_seed(FakeGenerator(), 5)
    png = face.to_png(FakeGenerator().render(face.w_plus))
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.query_params["seed"] = "417"
    at.run()
    first = "ui.components.toolbar.opened"
    for label, trace in (
        ("drop until there is a Face", drop(at, png, "session.session.open_face", 0)),
        ("drop until it is the current one", drop(at, png, first, 1)),
        ("dial until the picture is handed over", drag(at, view)),
    ):
        own = [name for name in trace.modules if name not in FOUNDATION]
        rest = [name for name in trace.modules if name in FOUNDATION]
        print(f"{label}: {len(own)} modules and {len(rest)} of the foundation")
        print(f"  {', '.join(own)}\n  {', '.join(rest)}")


if __name__ == "__main__":
    main()
