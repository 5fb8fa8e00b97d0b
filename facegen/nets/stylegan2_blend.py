"""StyleGAN2 with the rest of a picture kept: the exact way, in PyTorch.

As `facegen.nets.mobilestylegan_blend`. Demodulation depends on the style, so styles may not vary
over the picture; but what a layer gives is normalised already, each latent's by its own style, and
these features can be mixed. The picture that the blocks have made so far is mixed with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from facegen.nets.synthesis import BLEND_PX, mixed, mixed_pictures

if TYPE_CHECKING:
    from facegen.masks import Mask
    from facegen.nets.stylegan2 import StyleGAN2Synthesis


def blend(
    net: StyleGAN2Synthesis,
    w_plus: Tensor,
    w_base: Tensor,
    mask: Mask,
    *,
    size_px: int | None = None,
) -> Tensor:
    """See `Synthesis.blend`.

    Args:
        net: The network.
        w_plus: [N, num_ws, w_dim].
        w_base: Likewise.
        mask: Where `w_plus` shows.
        size_px: Stop at this resolution, as `StyleGAN2Synthesis.forward` does.
    """
    base: tuple[Tensor, Tensor] | tuple[None, None] = (None, None)
    new: tuple[Tensor, Tensor] | tuple[None, None] = (None, None)
    row = 0
    for block in net.blocks():
        rows = slice(row, row + block.num_conv + 1)
        base = block(*base, w_base[:, rows], noise_mode="const", rng=None)
        new = block(*new, w_plus[:, rows], noise_mode="const", rng=None)
        assert base[1] is not None
        assert new[1] is not None
        if block.resolution == (size_px or net.img_resolution):
            break
        if block.resolution <= BLEND_PX:
            new = (mixed(base[0], new[0], mask), mixed(base[1], new[1], mask))
        row += block.num_conv
    assert base[1] is not None
    assert new[1] is not None
    return mixed_pictures(base[1], new[1], mask)
