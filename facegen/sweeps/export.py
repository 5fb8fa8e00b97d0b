"""What a sweep is handed out as: contact sheet, GIF, zip of face files with a manifest."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen.errors import UsageError
from facegen.images import encode_png, resized, shrunk
from facegen.sweeps.sweep import Frame

SHEET_EDGE = 192
LABEL_PX = 30
GIF_EDGE = 384
FRAME_MS = 120
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def caption(frame: Frame) -> tuple[str, str]:
    """Two short lines: what was asked, what was measured."""
    cell = frame.cell
    angles = [f"{value:+.0f}°" if value is not None else "–" for value in (cell.yaw, cell.pitch)]
    asked = " / ".join(angles) + (f" {cell.expression}" if cell.expression else "")
    asked += f" gaze {cell.gaze:+.0f}°" if cell.gaze is not None else ""
    asked += f" up {cell.gaze_up:+.0f}°" if cell.gaze_up is not None else ""
    if frame.measurement is None:
        return asked, "not measured"
    values = frame.measurement.values
    seen = f"{values['yaw']:+.1f}° / {values['pitch']:+.1f}°"
    if frame.identity is not None:
        seen += f" id {frame.identity:.2f}"
    return asked, seen if frame.is_reachable else f"{seen} !"


def columns_of(frames: Sequence[Frame]) -> int:
    """How many pictures stand in a row: the yaws of one pitch and expression."""
    first = _row_of(frames[0])
    count = 0
    for frame in frames:
        if _row_of(frame) != first:
            break
        count += 1
    return max(1, min(count, 21))


def _row_of(frame: Frame) -> tuple[float | str | None, ...]:
    cell = frame.cell
    return cell.pitch, cell.expression, cell.gaze, cell.gaze_up


def contact_sheet(
    frames: Sequence[Frame], *, edge: int = SHEET_EDGE, columns: int | None = None
) -> np.ndarray:
    """All pictures with their numbers, uint8 [H, W, 3].

    Args:
        frames: What to show.
        edge: Of each picture, in pixels.
        columns: Pictures in a row; as many as the yaws of the sweep unless given.

    Raises:
        UsageError: there are no pictures.
    """
    _require_frames(frames)
    columns = columns or columns_of(frames)
    rows = -(-len(frames) // columns)
    sheet = Image.new("RGB", (columns * edge, rows * (edge + LABEL_PX)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(max(9, edge // 16))
    for place, frame in enumerate(frames):
        x, y = place % columns * edge, place // columns * (edge + LABEL_PX)
        sheet.paste(Image.fromarray(resized(frame.image, edge)), (x, y))
        for line, text in enumerate(caption(frame)):
            colour = "#b00020" if line and not frame.is_reachable else "#222"
            draw.text((x + 3, y + edge + line * LABEL_PX // 2), text, fill=colour, font=font)
    return np.asarray(sheet)


def there_and_back(frames: Sequence[Frame]) -> list[np.ndarray]:
    """The pictures in order and back again: a loop without a jump."""
    _require_frames(frames)
    pictures = [frame.image for frame in frames]
    return pictures + pictures[-2:0:-1]


def make_gif(frames: Sequence[Frame], *, edge: int = GIF_EDGE, frame_ms: int = FRAME_MS) -> bytes:
    """An endless GIF of the sweep, there and back."""
    small = [Image.fromarray(shrunk(p, edge)) for p in there_and_back(frames)]
    buffer = io.BytesIO()
    small[0].save(
        buffer, "GIF", save_all=True, append_images=small[1:], duration=frame_ms, loop=0,
        comment=b"AI-generated: trainedAlgorithmicMedia",
    )  # fmt: skip
    return buffer.getvalue()


def frame_record(frame: Frame, *, file_name: str, **more: Any) -> dict[str, Any]:
    """One row of a manifest: what was asked, what was measured, where the latent is.

    Rows are flat, as tables and Hugging Face's image folders want them: a column for each thing
    asked for (`requested_yaw`) and each number measured (`measured_yaw`).
    """
    seen = frame.measurement
    measured = seen.values if seen else {}
    return {
        "file_name": file_name,
        **more,
        **{f"requested_{name}": value for name, value in frame.cell.to_record().items()},
        **{f"measured_{name}": round(float(value), 4) for name, value in measured.items()},
        "identity_distance": None if frame.identity is None else round(frame.identity, 4),
        "is_reachable": frame.is_reachable,
        "is_retouched": bool(frame.face.pixel_operations),
        "landmarks": np.round(seen.landmarks, 5).tolist() if seen else None,
        "descriptor": (
            np.round(seen.descriptor.astype(float), 5).tolist()
            if seen and seen.descriptor is not None
            else None
        ),
        "space": frame.face.space,
        "model": frame.face.model,
        "synthetic": True,
    }


def frame_png(frame: Frame) -> bytes:
    """A face file of the frame: its latent is inside."""
    return frame.face.to_png(frame.saved)


def json_line(record: Mapping[str, Any]) -> bytes:
    """One line of JSON, always the same bytes for the same record."""
    return (json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n").encode()


def one_schema(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the same columns in each: None where one has no value; loaders want that."""
    columns = sorted({name for row in rows for name in row})
    return [{name: row.get(name) for name in columns} for row in rows]


def json_lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A manifest, metadata.jsonl: one line a row."""
    return b"".join(json_line(row) for row in one_schema(rows))


def make_zip(frames: Sequence[Frame], *, png_of: Callable[[Frame], bytes] = frame_png) -> bytes:
    """Face files under images/ and a manifest beside them; the same frames give the same bytes.

    Args:
        frames: What to pack.
        png_of: Gives the file of a frame.

    Raises:
        UsageError: there are no pictures.
    """
    _require_frames(frames)
    buffer = io.BytesIO()
    rows = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for frame in frames:
            name = f"images/{frame.cell.stem(frame.index)}.png"
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), png_of(frame))
            rows.append(frame_record(frame, file_name=name))
        archive.writestr(zipfile.ZipInfo("metadata.jsonl", ZIP_TIME), json_lines(rows))
    return buffer.getvalue()


def sheet_png(frames: Sequence[Frame]) -> bytes:
    """The contact sheet as a PNG marked synthetic."""
    return encode_png(contact_sheet(frames))


def _require_frames(frames: Sequence[Frame]) -> None:
    if not frames:
        raise UsageError("There is no picture yet; make the sweep first.")
