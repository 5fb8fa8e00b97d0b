"""The app with the drawn faces of `fakes`.

`streamlit run tests/fake_app.py -- [seconds per picture] [seconds per preview]`
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import fake_finding  # noqa: E402
from fakes import TABLE, FakeDials, FakeGenerator, FakeUserDials, fake_measure  # noqa: E402

from facegen.service import loading, measuring  # noqa: E402
from facegen.ui.main import main  # noqa: E402


def _parts(progress: object) -> object:
    delay_s, preview_delay_s = [float(text) for text in sys.argv[1:3]] or (0.15, 0.02)
    generator = FakeGenerator(delay_s=delay_s, preview_delay_s=preview_delay_s)
    measuring.load_measure = lambda: fake_measure(generator)
    return generator, FakeDials(generator), TABLE


loading.load_parts = _parts
if not getattr(loading, "fake_user_dials", None):  # This script runs again and again.
    loading.fake_user_dials = FakeUserDials().put()
    fake_finding.put()
main()
