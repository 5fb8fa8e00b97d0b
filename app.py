"""Start the face designer: `streamlit run app.py`."""

from __future__ import annotations

from facegen.ui.main import main

main()
