"""The app with the drawn faces of `fakes`: `streamlit run tests/fake_app.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from fakes import TABLE, FakeDials, FakeGenerator  # noqa: E402

from facegen.ui import backend  # noqa: E402
from facegen.ui.main import main  # noqa: E402


def _parts(progress: object) -> object:
    generator = FakeGenerator(delay_s=0.15, preview_delay_s=0.02)
    return generator, FakeDials(generator), TABLE


backend.load_parts = _parts
main()
