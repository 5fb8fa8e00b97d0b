"""`fake_app.py` with dials that have regions."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from fake_regions import REGIONS, FakeRegions, fake_mattes  # noqa: E402

from facegen.service import loading  # noqa: E402
from facegen.service.rests import Rests  # noqa: E402

loading.make_rests = lambda *_: Rests(REGIONS, FakeRegions)
loading.make_mattes = lambda service, _: fake_mattes(service)
runpy.run_path(str(Path(__file__).parent / "fake_app.py"))
