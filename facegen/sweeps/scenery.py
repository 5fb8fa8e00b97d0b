"""The frames of a sweep in the clothes and before the background that its face has."""

from __future__ import annotations

import numpy as np

from facegen.face import Face
from facegen.local.background import SegmentsOf, segments_finder
from facegen.local.scene import again, has_scene
from facegen.operations import Clothes, Operation, background_among, clothes_among
from facegen.pose.finish import Finish
from facegen.protocols import Renders
from facegen.retouch.apply import apply


class Scenery:
    """Finds again in each frame what its face wears and stands before.

    Args:
        generator: Draws.
        operations: Of the sweep's face.
        size: Edge of the frames in pixels.
        segments_of: Sees what is where; None for what the network's pictures show.
    """

    def __init__(
        self,
        generator: Renders,
        operations: tuple[Operation, ...],
        size: int,
        segments_of: SegmentsOf | None = None,
    ) -> None:
        self._generator, self._operations, self._size = generator, operations, size
        self._segments_of = segments_of
        if has_scene(operations) and segments_of is None:
            self._segments_of = segments_finder(generator)
        self._other: np.ndarray | None = None

    def put(self, finish: Finish, face: Face) -> Finish:
        """What is done in a frame, with its clothes and its background.

        Args:
            finish: What is done in it by landmarks.
            face: That the frame draws.
        """
        if self._segments_of is None or not has_scene(self._operations):
            return finish
        found = again(face, self._operations, self._segments_of)
        request = face.request(model=self._generator.model, size=self._size)

        def dressed(clothes: Clothes) -> np.ndarray:
            other = request.dressed(clothes)
            return self._generator.render(other.w_plus, size=self._size, keep=other.keep)

        for one in (clothes_among(found.operations), background_among(found.operations)):
            if one is not None:
                image = apply([one], finish.image, self._behind, dressed, alpha=True)
                finish = finish.add(one, image)
        return finish

    def _behind(self, latent: bytes) -> np.ndarray:
        """The picture whose background all frames have, drawn once."""
        if self._other is None:
            background = background_among(self._operations)
            assert background is not None
            assert background.other is not None
            self._other = self._generator.render(background.other[0], size=self._size)
        return self._other
