"""`fake_local_app.py` with a face in the middle of every photo, and people who are found quickly.

`streamlit run tests/fake_photo_app.py -- [seconds per picture] [per preview] [per step]`
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from fake_projector import FakeProjector, fake_faces  # noqa: E402

from facegen.photos import put_back  # noqa: E402
from facegen.service import photo_desk, projecting  # noqa: E402
from facegen.ui import photographs  # noqa: E402

STEP_S = float(sys.argv[3]) if len(sys.argv) > 3 else 0.2
PLACES = [(0.5, 0.5, 0.9), (0.2, 0.4, 0.4)]
FACELESS_BELOW = 200
"""Photos of fewer pixels across have no face."""

find = fake_faces(PLACES)
photo_desk.find_faces = lambda image: find(image) if image.shape[1] >= FACELESS_BELOW else []
photo_desk.lies_on_its_side = lambda image: False
put_back.of_picture = lambda crop: None
put_back.blending.around = lambda *_: 1.0
photographs.judge = lambda crop, image: {}
projecting.load_projector = lambda generator: FakeProjector(generator, step_s=STEP_S)
runpy.run_path(str(Path(__file__).parent / "fake_app.py"))
