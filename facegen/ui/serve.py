"""Starts the app's server and, beside it, the loading of the network: `facegen app`.

Streamlit runs the app only once a browser is there. What the first page needs (PyTorch, the
weights, compiling) takes seconds, which here pass while the server starts and the browser comes.
"""

from __future__ import annotations

import sys
import threading

STREAMLIT = "streamlit"


def main() -> None:
    """As `streamlit`, with the same arguments."""
    from streamlit.web import cli

    threading.Thread(target=_load, name="load-early", daemon=True).start()
    sys.argv[0] = STREAMLIT
    cli.main()


def _load() -> None:
    # Nothing of Streamlit: two threads that import one package at once get in each other's way.
    from facegen.service.loading import begin_early

    begin_early()


if __name__ == "__main__":
    main()
