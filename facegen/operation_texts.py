"""What operations of a face did, as lines for people."""

from __future__ import annotations

from facegen.operations import (
    Background,
    CloseEye,
    Clothes,
    ContinueBackground,
    DialMove,
    KeepRest,
    MovePicture,
    Operation,
    Pose,
    PullPoints,
    RaiseEyes,
    ResizePicture,
    TurnEyes,
    UnknownOperation,
    Wear,
)


def describe(operation: Operation) -> str:
    """One line that says what was done, for people."""
    match operation:
        case DialMove(dial, delta):
            return f"{dial} {delta:+.3g}" if delta else f"{dial} held"
        case Pose(yaw, pitch):
            angles = [("yaw", yaw), ("pitch", pitch)]
            return "pose " + ", ".join(f"{n} {v:+g}°" for n, v in angles if v is not None)
        case Wear(expression, strength):
            return f"expression {expression}" + (f" {strength:.0%}" if strength != 1 else "")
        case KeepRest():
            return f"the rest kept: {operation.region.share:.1%} of the picture changed"
        case ContinueBackground():
            return "what the edit uncovered is the background as it was (in the picture)"
        case TurnEyes(degrees):
            return f"eyes turned to {degrees:+g}° (in the picture)"
        case RaiseEyes(degrees):
            return f"eyes raised by {degrees:+g}° (in the picture)"
        case CloseEye(side):
            return f"{side} eye closed (in the picture)"
        case PullPoints(pulls, strength):
            return f"{len(pulls)} places pulled, strength {strength:g} (in the picture)"
        case Clothes(clothing):
            return f"{clothing.told} (in the picture)"
        case Background(backdrop):
            return f"{backdrop.told} (in the picture)"
        case MovePicture(roll, x, y, zoom):
            return f"roll {roll:+g}°, shift {x:+g} {y:+g}, zoom {zoom:g} (in the picture)"
        case ResizePicture(edge, method):
            return f"enlarged to {edge} px, {method} (in the picture)"
        case UnknownOperation(name):
            return f"{name}: not known to this version"
    raise AssertionError(operation)
