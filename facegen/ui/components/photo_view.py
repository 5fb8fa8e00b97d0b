"""The stage of the page "Photo": what is packed into its component, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from facegen.photos.align import AlignedFace
from facegen.ui.components import view

MAX_MB = 64
"""Of a photo's file; as `facegen.images.MAX_FILE_BYTES`."""

_PHOTO = view.component("photo")


def show(
    picture: bytes | None,
    *,
    key: str,
    other: bytes | None = None,
    ratio: float = 1.0,
    name: str = "",
    alt: str = "",
    left: str = "",
    right: str = "",
    faces: Sequence[Mapping[str, Any]] = (),
    step: int = 0,
    start: float = 0.5,
) -> None:
    """Show the component; with no picture it only takes what is dropped or pasted.

    The trigger `pick` carries the number of a face that was clicked.

    Args:
        picture: JPEG.
        key: Of the component.
        other: JPEG beside it, left of a line to drag.
        ratio: Width of the picture by its height.
        name: Tells views apart: the line stands in the middle of a new one.
        alt: What the picture shows.
        left: What is said of `other`.
        right: What is said of `picture`.
        faces: As `outlines` makes them.
        step: How far what is shown has come.
        start: Where the line stands at first, in shares of the width.
    """
    head = {
        "view": name, "ratio": round(ratio, 4), "alt": alt, "left": left, "right": right,
        "faces": list(faces), "step": step, "max_mb": MAX_MB,
        "start": round(100 * min(max(start, 0.04), 0.96), 1),
    }  # fmt: skip
    _PHOTO(key=key, data=view.pack_frame(head, picture, other), on_pick_change=lambda: None)


def outlines(
    faces: Sequence[AlignedFace], size: tuple[int, int], chosen: int, done: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Where faces stand, for buttons over the photo.

    Args:
        faces: Of the photo.
        size: Its width and height.
        chosen: Number of the one that is worked on.
        done: Numbers of those who were found already.
    """
    width, height = size
    made = []
    for number, face in enumerate(faces):
        left, top, right, bottom = face.box
        words = ["Face" if len(faces) == 1 else f"Face {number + 1} of {len(faces)}"]
        words += ["chosen"] * (number == chosen) + ["found"] * (number in done)
        made.append(
            {
                "box": {
                    "left": round(left / width, 4),
                    "top": round(top / height, 4),
                    "width": round((right - left) / width, 4),
                    "height": round((bottom - top) / height, 4),
                },
                "chosen": number == chosen,
                "label": ", ".join(words),
                "word": f"{number + 1}" + (" ✓" if number in done else "")
                if len(faces) > 1
                else "",
            }
        )
    return made


def picked(key: str) -> int | None:
    """The number of the face that was clicked, in the run that this caused."""
    event = view.trigger(key, "pick")
    number = event.get("face") if isinstance(event, Mapping) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
