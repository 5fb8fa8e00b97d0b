"""A picture made from a `RenderRequest`: drawn by the network, then its operations in order.

Everything needed is in the request (landmarks, the latent of closed eyes), so no instrument looks
at the picture, and the same request gives the same pixels in the app, the terminal and a sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from facegen.errors import UsageError
from facegen.images import flattened
from facegen.masks import Mask
from facegen.operations import (
    Background,
    CloseEye,
    Clothes,
    ContinueBackground,
    KeepRest,
    MovePicture,
    PixelOperation,
    Points,
    PullPoints,
    RaiseEyes,
    ResizePicture,
    TurnEyes,
)
from facegen.protocols import Renders
from facegen.render_request import RenderRequest
from facegen.retouch.backdrop import continue_background, put_background
from facegen.retouch.clothes import put_clothes
from facegen.retouch.eyes import close_eye, raise_eyes, turn_eyes
from facegen.retouch.transform import Motion, move_picture
from facegen.retouch.warp import Pull, pull_at

UPSCALERS = {"bilinear": cv2.INTER_LINEAR, "lanczos": cv2.INTER_LANCZOS4}

DrawLatent = Callable[[bytes], np.ndarray]
"""The network's picture of another latent, of the same size: uint8 [H, H, 3]."""
DrawDressed = Callable[[Clothes], np.ndarray]
"""The network's picture with the clothes of another face: `RenderRequest.dressed`."""


def draw(request: RenderRequest, generator: Renders, *, alpha: bool = False) -> np.ndarray:
    """Make a picture.

    Args:
        request: What to make.
        generator: Of the request's model.
        alpha: As for `apply`.

    Returns:
        uint8 [size, size, 3], or 4 channels; an operation may end at another size.

    Raises:
        ModelError: the request needs what this version does not have.
        LatentError, UsageError: as `Generator.render`.
    """
    request.require_known()
    if request.keep is None:
        image = generator.render(request.w_plus, size=request.size)
    else:
        image = generator.render(request.w_plus, size=request.size, keep=request.keep)

    def draw_latent(latent: bytes) -> np.ndarray:
        return generator.render(request.with_latent(latent).w_plus, size=request.size)

    def draw_dressed(clothes: Clothes) -> np.ndarray:
        dressed = request.dressed(clothes)
        return generator.render(dressed.w_plus, size=request.size, keep=dressed.keep)

    return apply(request.retouching, image, draw_latent, draw_dressed, alpha=alpha)


def apply(
    operations: Sequence[PixelOperation],
    image: np.ndarray,
    draw_latent: DrawLatent | None = None,
    draw_dressed: DrawDressed | None = None,
    *,
    alpha: bool = False,
) -> np.ndarray:
    """Do operations in a picture, in order.

    Args:
        operations: What to do.
        image: uint8 [H, H, 3]; not changed.
        draw_latent: Draws latents that operations name; None if none does.
        draw_dressed: Draws the clothes of other faces; None if none are worn.
        alpha: Whether a picture with a transparent background is given as that, [H, H, 4]; else
            what shows through it is a chequerboard.
    """
    for operation in operations:
        image = _applied(operation, image, draw_latent, draw_dressed)
    return image if alpha else flattened(image)


def _applied(
    operation: PixelOperation,
    image: np.ndarray,
    draw_latent: DrawLatent | None,
    draw_dressed: DrawDressed | None,
) -> np.ndarray:
    match operation:
        case TurnEyes():
            turned = turn_eyes(image, _array(operation.landmarks), operation.degrees)
            return image if turned is None else turned
        case RaiseEyes():
            raised = raise_eyes(image, _array(operation.landmarks), operation.degrees)
            return image if raised is None else raised
        case CloseEye():
            assert draw_latent is not None
            closed = draw_latent(operation.closed)
            here, there = _array(operation.landmarks), _array(operation.closed_landmarks)
            return close_eye(image, here, closed, there, operation.side)
        case PullPoints():
            pulls = [Pull(*pull) for pull in operation.pulls]
            return pull_at(image, _array(operation.landmarks), pulls, operation.strength)
        case Clothes():
            dressed = None
            if operation.latent:
                assert draw_dressed is not None
                dressed = draw_dressed(operation)
            return put_clothes(image, operation.clothing, Mask(operation.worn), dressed)
        case Background():
            behind = operation.other
            if behind is None:
                return put_background(image, operation.backdrop, Mask(operation.person))
            assert draw_latent is not None
            there = draw_latent(operation.latent)
            return put_background(
                image, operation.backdrop, Mask(operation.person), there, behind[1]
            )
        case ContinueBackground():
            assert draw_latent is not None
            return continue_background(
                image, draw_latent(operation.latent), Mask(operation.person),
                Mask(operation.latent_person), Mask(operation.mask),
            )  # fmt: skip
        case MovePicture():
            return move_picture(image, motion_of(operation))
        case ResizePicture():
            edge = (operation.edge, operation.edge)
            return cv2.resize(image, edge, interpolation=UPSCALERS[operation.method])
        case KeepRest():
            raise UsageError(
                "The rest of a picture is kept while it is drawn, before anything else is done in "
                "it; put it first, and once."
            )
    raise UsageError(f"'{operation.op}' is not done in a picture; update facegen.")


def motion_of(operation: MovePicture) -> Motion:
    """The motion of an operation."""
    return Motion(operation.roll, operation.shift_x, operation.shift_y, operation.zoom)


def _array(points: Points) -> np.ndarray:
    return np.array(points, np.float64)
