"""All that a picture depends on, as one value.

The service, its caches, the command line and the writers of files take a `RenderRequest`: equal
requests are the same picture, and nothing else is asked when one is made or remembered. Making it
is `facegen.retouch.apply.draw`'s.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from facegen.errors import ModelError
from facegen.latents import NUM_WS, W_DIM, as_w_plus
from facegen.masks import Mask
from facegen.operations import Clothes, KeepRest, PixelOperation, UnknownOperation

DRESSED_SOFT = 1.5
"""Of the edge of what is drawn as other clothes, in cells of masks."""


@dataclass(frozen=True)
class RenderRequest:
    """One picture. Make it with `RenderRequest.of`.

    Attributes:
        model: Registered name of the network.
        latent: The w_plus, float32 [18, 512], as little-endian bytes.
        size: Edge in pixels; the network's own preview size is drawn by its small network.
        operations: What is done in the picture, in order.
        weights: Id of the weight changes of a tuned face; None for the network as it is.
    """

    model: str
    latent: bytes
    size: int
    operations: tuple[PixelOperation, ...] = ()
    weights: str | None = None

    @classmethod
    def of(
        cls,
        w_plus: np.ndarray,
        *,
        model: str,
        size: int,
        operations: tuple[PixelOperation, ...] = (),
        weights: str | None = None,
    ) -> RenderRequest:
        """The picture of a latent.

        Raises:
            LatentError: w_plus has another shape, or numbers that are not finite.
        """
        latent = as_w_plus(w_plus).astype("<f4").tobytes()
        return cls(model, latent, size, operations, weights)

    @cached_property
    def w_plus(self) -> np.ndarray:
        """The latent, float32 [18, 512], read-only."""
        return np.frombuffer(self.latent, "<f4").reshape(NUM_WS, W_DIM)

    @cached_property
    def digest(self) -> str:
        """16 hex digits that name the person and what was done, whatever the size."""
        told = repr((self.model, self.operations, self.weights)).encode()
        return hashlib.sha256(self.latent + told).hexdigest()[:16]

    @property
    def is_drawn_only(self) -> bool:
        """Whether the network's picture is the picture: nothing is done in it."""
        return not self.retouching

    @property
    def keep(self) -> KeepRest | None:
        """What the network is to keep while it draws, if anything."""
        first = self.operations[0] if self.operations else None
        return first if isinstance(first, KeepRest) else None

    @property
    def retouching(self) -> tuple[PixelOperation, ...]:
        """What is done after the network drew the picture, in order."""
        return self.operations if self.keep is None else self.operations[1:]

    def at(self, size: int) -> RenderRequest:
        """The same picture at another size."""
        return self if size == self.size else replace(self, size=size)

    def drawn_only(self) -> RenderRequest:
        """What the network draws, before anything is done in the picture."""
        kept = () if self.keep is None else (self.keep,)
        return replace(self, operations=kept) if self.retouching else self

    def with_latent(self, latent: bytes) -> RenderRequest:
        """The picture that the network draws of another latent, at the same size."""
        return replace(self, latent=latent, operations=())

    def dressed(self, clothes: Clothes) -> RenderRequest:
        """The picture that the network draws with the clothes of another face, at the same size.

        Around the clothes it is the picture that the network draws of this request (of what is
        kept, where it keeps any).
        """
        around = self.latent if self.keep is None else self.keep.latent
        # All cells that may be clothes are drawn as such; how much of them shows is told in pixels.
        reach = Mask.of(Mask(clothes.worn).values > 0).soft(DRESSED_SOFT)
        keep = KeepRest(around, reach.data)
        return replace(self, latent=clothes.latent, operations=(keep,))

    def require_known(self) -> RenderRequest:
        """Return the request if this version can make all of it.

        Raises:
            ModelError: it was made by a newer version.
        """
        for operation in self.operations:
            if isinstance(operation, UnknownOperation):
                raise ModelError(
                    f"This face was worked on in a way that this version does not know "
                    f"('{operation.name}'), so its picture cannot be made. Update facegen, or open "
                    "the picture itself in a viewer."
                )
        if self.weights is not None:
            raise ModelError(
                "This face has a network tuned to it, which this version cannot load. Update "
                "facegen, or open the picture itself in a viewer."
            )
        return self
