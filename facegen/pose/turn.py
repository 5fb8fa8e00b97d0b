"""Absolute head pose and readings of a face: `Face` in, `Face` out.

The dials' solver finds the step in the latent; what this module adds is what must stay. Only the
rows that shape the picture are moved (4 to 32 px features): the finer rows carry colours, clothes
and texture, and keeping them keeps the person and the scene. A result is a new starting point
(`Face.rebased`): it can be saved and edited on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from facegen.editing.dials import DialSet
from facegen.editing.solve import IDENTITY, check_targets
from facegen.errors import OutOfRangeError, UsageError
from facegen.face import Face

GEOMETRY_ROWS = 8
POSE_DIALS = ("yaw", "pitch")
EXPRESSION_DIALS = ("smile", "mouth_open", "teeth", "frown", "eyes_open", "brow_height",
                    "arched_brows", "narrow_eyes", "mouth_width")  # fmt: skip
KEEPS = ("identity", "expression", "pose")
# Readings that nobody asks for are held anyway, softly. Holding the expression firmly cost a tenth
# of the turn and kept nobody more alike (4 faces at ±30 degrees).
DEFAULT_KEEP = ("identity", "pose")


def pose_face(
    face: Face,
    *,
    yaw: float | None = None,
    pitch: float | None = None,
    targets: Mapping[str, float] | None = None,
    keep: Iterable[str] = DEFAULT_KEEP,
    rows: int = GEOMETRY_ROWS,
) -> Face:
    """The same person at an absolute pose, with other readings if asked for.

    Args:
        face: Not changed.
        yaw: Degrees, positive toward the picture's right edge; None leaves the angle (held if
            "pose" is kept).
        pitch: Degrees, positive raises the chin; None as for yaw.
        targets: Further dials -> reading, in the dial's unit.
        keep: Of `KEEPS`: what is held firmly unless asked to move.
        rows: Rows of the latent that may move, from the coarsest.

    Returns:
        A new starting point without edits; the same face if nothing is asked.

    Raises:
        OutOfRangeError: an angle or reading outside what its dial can do.
        UsageError: an unknown word in `keep`, or a number that is not finite.
        UnknownDialError: no such dial.
    """
    dials = DialSet.load(face.space)
    wanted = dict(targets or {})
    wanted |= {name: value for name, value in (("yaw", yaw), ("pitch", pitch)) if value is not None}
    if not wanted:
        return face
    locks = [name for name in kept_dials(keep) if name not in wanted]
    check_targets(dials, wanted, locks)
    now = dials.read(face.w_plus)
    # Not `solve_targets`: an expression is many wishes at once, met as well as the face allows.
    deltas = {name: float(value - now[name]) for name, value in wanted.items()}
    deltas |= dict.fromkeys(locks, 0.0)
    w_plus = dials.apply(face.w_plus, deltas)
    w_plus[rows:] = face.w_plus[rows:]
    return face.edited(w_plus, ()).rebased()


def kept_dials(keep: Iterable[str]) -> list[str]:
    """The locks that words of `KEEPS` stand for.

    Raises:
        UsageError: an unknown word.
    """
    names: list[str] = []
    for word in keep:
        if word not in KEEPS:
            raise UsageError(f"What to keep is one of {', '.join(KEEPS)}, got '{word}'.")
        names += {"identity": [IDENTITY], "pose": [*POSE_DIALS]}.get(word, [*EXPRESSION_DIALS])
    return names


def safe_range(face: Face, dial: str) -> tuple[float, float]:
    """The readings a dial was measured to reach, in its unit."""
    return DialSet.load(face.space).spec(dial).safe


def require_in_range(face: Face, **angles: float) -> None:
    """Refuse angles that no face can take.

    Raises:
        OutOfRangeError: names the range.
    """
    for name, value in angles.items():
        low, high = safe_range(face, name)
        if not low <= value <= high:
            raise OutOfRangeError(
                f"{name} can be set from {low:g} to {high:g} degrees, got {value:g}; faces break "
                "beyond. Ask for a smaller angle."
            )
