"""The finished sweep as one picture that is dragged: what is packed into its component."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from facegen.images import decode_image, encode_jpeg, shrunk
from facegen.pose.expressions import expression
from facegen.service.sweep_job import Shot
from facegen.sweeps.grid import Cell
from facegen.ui.components import view

MANY_SHOTS = 64
SMALL_EDGE = 320
"""Of each picture, in pixels, where there are more than `MANY_SHOTS`."""

_TURN = view.component("turn")


def turn_view(shots: Sequence[Shot], *, stamp: str, key: str) -> None:
    """Show the component.

    Args:
        shots: Finished pictures.
        stamp: Tells one sweep from another.
        key: Of the widget.
    """
    _TURN(key=key, data=pack_shots(shots, stamp=stamp))


def pack_shots(shots: Sequence[Shot], *, stamp: str) -> bytes:
    """Length of the header (4 bytes), header (JSON), JPEGs in order."""
    groups: list[str] = []
    frames: list[dict[str, Any]] = []
    pictures: list[bytes] = []
    for shot in shots:
        cell = shot.frame.cell
        name = group_name(cell)
        if name not in groups:
            groups.append(name)
        picture = shot.jpeg
        if len(shots) > MANY_SHOTS:
            small = shrunk(decode_image(shot.jpeg, name="frame"), SMALL_EDGE)
            picture = encode_jpeg(small, quality=80)
        asked, seen = shot.lines
        identity = shot.frame.identity
        frames.append(
            {
                "group": groups.index(name),
                "yaw": cell.yaw or 0.0,
                "pitch": cell.pitch or 0.0,
                "asked": asked,
                "seen": seen.split(" id ")[0] + ("" if shot.frame.is_reachable else " !"),
                "identity": "" if identity is None else f"{identity:.2f}",
                "missed": not shot.frame.is_reachable,
                "bytes": len(picture),
            }
        )
        pictures.append(picture)
    middle = min(frames, key=lambda f: (f["group"], abs(f["yaw"]) + abs(f["pitch"])))
    head = {"stamp": stamp, "groups": groups, "frames": frames, "start": middle}
    text = json.dumps(head, ensure_ascii=False).encode()
    return struct.pack("<I", len(text)) + text + b"".join(pictures)


def group_name(cell: Cell) -> str:
    """What a person reads for the expression and gaze of a cell."""
    words = expression(cell.expression).label if cell.expression else "As it is"
    if cell.gaze is None and not cell.gaze_up:
        return words
    sides = "" if cell.gaze is None else f" {cell.gaze:+.0f}°"
    up = f" up {cell.gaze_up:+.0f}°" if cell.gaze_up else ""
    return f"{words}, eyes{sides}{up}"
