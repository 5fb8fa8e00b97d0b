"""Model files: what exists, where it comes from, fetching it, and reading foreign formats.

Readers turn a path into arrays and plain facts; nothing in a file is ever executed. Building a
network from the arrays happens in `facegen.generator`.
"""

from __future__ import annotations

from facegen.weights.fetch import ensure_files, ensure_model, ir_paths, verify_model
from facegen.weights.registry import ModelEntry, entries, entry

__all__ = [
    "ModelEntry",
    "ensure_files",
    "ensure_model",
    "entries",
    "entry",
    "ir_paths",
    "verify_model",
]
