"""What Streamlit runs: `facegen app`, or `streamlit run app.py` in a checkout."""

from __future__ import annotations

from facegen.ui.main import main

main()
