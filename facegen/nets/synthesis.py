"""What every synthesis network has, whichever its architecture.

Who holds a network asks it: nothing outside `facegen.nets` needs to know which kind it is. Ways to
run it faster have their own modules, which the networks import when they are asked for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.errors import ModelError
from facegen.nets.window import Box, Part

if TYPE_CHECKING:
    import openvino as ov

    from facegen.masks import Mask
    from facegen.nets.blend_graphs import BlendGraphs

PART_EDGE = 512
"""Parts of larger pictures are drawn averaged down to this edge at least."""
BLEND_PX = 64
"""Features up to this edge are mixed where the rest of a picture is kept (`Synthesis.blend`)."""


@dataclass(frozen=True)
class Work:
    """What one picture needs.

    Attributes:
        macs: Multiplications with addition.
        values: Numbers that convolutions read and write (features and weights), each once.
    """

    macs: int
    values: int


class Synthesis(nn.Module):
    """w_plus -> picture.

    Attributes:
        img_resolution: Edge of the picture in pixels.
        num_ws: Rows of w_plus.
        w_dim: Length of a row.
        has_polyphase: `fast` knows two ways of up-sampling, and only a trial tells the faster.
        can_blend: It can keep the rest of a picture; see `blend`.
    """

    img_resolution: int
    num_ws: int
    w_dim: int
    has_polyphase = False
    can_blend = False

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def forward(self, w_plus: Tensor) -> Tensor:
        """[N, num_ws, w_dim] -> RGB picture in about [-1, 1], [N, 3, S, S]."""
        raise NotImplementedError

    def picture_part(self, w_plus: Tensor, box: Box) -> Part:
        """The part of one picture that holds a box, for losses; gradients reach w_plus.

        Rows that only later layers read may be taken as constants. Here the whole picture is
        computed, which is right for every network; architectures do less where they can.

        Args:
            w_plus: [1, num_ws, w_dim], or with more rows, which are not read.
            box: What must be in it, in fractions of the picture's edge.
        """
        img = self(w_plus[:, : self.num_ws])
        factor = max(self.img_resolution // PART_EDGE, 1)
        img = img if factor == 1 else F.avg_pool2d(img, factor)
        return Part(img, left=0, top=0, edge=img.shape[-1])

    def half_picture(self, w_plus: Tensor) -> Tensor:
        """One picture averaged down by two, for losses; gradients reach w_plus.

        Args:
            w_plus: [1, num_ws, w_dim], or with more rows, which are not read.

        Returns:
            RGB in about [-1, 1], [1, 3, S / 2, S / 2].
        """
        return F.avg_pool2d(self(w_plus[:, : self.num_ws]), 2)

    def blend(self, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
        """The picture of `w_base` with that of `w_plus` inside of a mask.

        Features are mixed by the mask on the coarse levels, up to BLEND_PX, and the pictures in
        the end: no seam, and outside of the mask the numbers are those of `forward(w_base)`,
        clipped.

        Args:
            w_plus: [N, num_ws, w_dim].
            w_base: Likewise.
            mask: Where `w_plus` shows.

        Returns:
            RGB in [-1, 1], [N, 3, S, S].

        Raises:
            ModelError: the architecture cannot do it (`can_blend` tells).
        """
        raise ModelError(
            f"Networks like {type(self).__name__} cannot keep the rest of a picture; draw it "
            "without."
        )

    def fast(self, *, dtype: torch.dtype = torch.float16, polyphase: bool = True) -> Synthesis:
        """A copy of the network, made for drawing on a GPU, on the same device.

        Args:
            dtype: Of features in the high resolutions.
            polyphase: See `has_polyphase`.

        Raises:
            ModelError: the architecture has none.
        """
        raise ModelError(f"There is no GPU form of networks like {type(self).__name__}.")

    def openvino_graph(self) -> ov.Model:
        """The graph of the picture: w_plus [1, num_ws, w_dim] -> RGB bytes [1, S, S, 3].

        Raises:
            ModelError: the architecture has none.
            ImportError: OpenVINO is missing.
        """
        raise ModelError(f"OpenVINO does not know networks like {type(self).__name__}.")

    def blend_graphs(self) -> BlendGraphs:
        """Graphs of what `blend` draws.

        Raises:
            ModelError: the architecture has none.
            ImportError: OpenVINO is missing.
        """
        raise ModelError(f"OpenVINO cannot keep the rest with networks like {type(self).__name__}.")

    def work(self) -> Work:
        """Count the work of one picture from the network's sizes.

        Raises:
            ModelError: it is not known how.
        """
        raise ModelError(f"The work of a {type(self).__name__} is not known.")

    def plain_form(self) -> Callable[[Tensor], Tensor] | None:
        """The network as papers write it, to time against; None where a published graph serves."""
        return None


class Preview(nn.Module):
    """Draws a smaller picture from a network's first layers.

    Attributes:
        size_px: Edge of the preview in pixels.
        reads_layers: It calls layers of the exact network, so a network's `fast` form will not do.
    """

    size_px: int
    reads_layers = False

    def forward(self, net: Synthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, num_ws, w_dim], [N, 3, size_px, size_px]."""
        raise NotImplementedError

    def blend(self, net: Synthesis, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
        """The preview of what `Synthesis.blend` draws; outside of the mask that of `w_base`.

        Raises:
            ModelError: the architecture cannot do it.
        """
        raise ModelError(f"Previews like {type(self).__name__} cannot keep the rest of a picture.")

    def openvino_graph(self, net: Synthesis) -> ov.Model:
        """The graph of the preview: w_plus [1, num_ws, w_dim] -> RGB bytes [1, P, P, 3].

        Raises:
            ModelError: the architecture has none.
            ImportError: OpenVINO is missing.
        """
        raise ModelError(f"OpenVINO does not know previews like {type(self).__name__}.")

    def blend_graphs(self, net: Synthesis) -> BlendGraphs:
        """Graphs of what `blend` draws; the base's features are the first of the full picture's.

        Raises:
            ModelError: the architecture has none.
            ImportError: OpenVINO is missing.
        """
        raise ModelError(f"OpenVINO cannot keep the rest with previews like {type(self).__name__}.")


def mixed(base: Tensor, edited: Tensor, mask: Mask) -> Tensor:
    """`base + (edited - base) * mask` for [N, C, S, S]; where it is 0 or 1, exactly the one."""
    weight = torch.from_numpy(mask.at(base.shape[-1])).to(base)
    return torch.lerp(base, edited, weight)


def mixed_pictures(base: Tensor, edited: Tensor, mask: Mask) -> Tensor:
    """As `mixed`, of pictures; each is clipped first, as it would be alone."""
    return mixed(base.clamp(-1, 1), edited.clamp(-1, 1), mask)
