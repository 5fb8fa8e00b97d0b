"""MobileStyleGAN with the rest of a picture kept: the exact way, in PyTorch.

Two latents are drawn side by side. On every level up to BLEND_PX the features of the second become
`base + (edited - base) * mask`, so that what is drawn inside grows out of what lies outside, and
in the end the pictures are mixed by the same mask: outside of it the picture is the base's, to the
last bit. Higher levels need no mixing: they add what is fine to features that agree already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from facegen.nets.mobilestylegan import CONST_PX, MobileSynthesis, block_rows
from facegen.nets.synthesis import BLEND_PX, mixed, mixed_pictures

if TYPE_CHECKING:
    from facegen.masks import Mask
    from facegen.nets.mobilestylegan_preview import PreviewHead


def blend(net: MobileSynthesis, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
    """See `Synthesis.blend`."""
    base, x = blended_features(net, w_plus, w_base, mask, num_blocks=len(net.blocks))
    return mixed_pictures(net.picture(base, w_base), net.picture(x, w_plus), mask)


def blend_preview(
    head: PreviewHead, net: MobileSynthesis, w_plus: Tensor, w_base: Tensor, mask: Mask
) -> Tensor:
    """See `Preview.blend`; features are mixed where they are the network's own, up to 32 px."""
    base, x = blended_features(net, w_plus, w_base, mask, num_blocks=head.num_exact_blocks)
    pictures = head.picture(net, base, w_base), head.picture(net, x, w_plus)
    return mixed_pictures(*pictures, mask)


def blended_features(
    net: MobileSynthesis, w_plus: Tensor, w_base: Tensor, mask: Mask, *, num_blocks: int
) -> tuple[Tensor, Tensor]:
    """Features of the base, and of the other latent mixed with them, after `num_blocks` blocks."""
    base, x = (net.conv0(net.const.expand(len(w), -1, -1, -1), w[:, 0]) for w in (w_base, w_plus))
    x = mixed(base, x, mask)
    for i, block in enumerate(net.blocks[:num_blocks]):
        row1, row2, _ = block_rows(i)
        base = block(base, w_base[:, row1], w_base[:, row2])
        x = block(x, w_plus[:, row1], w_plus[:, row2])
        if CONST_PX * 2 ** (i + 1) <= BLEND_PX:
            x = mixed(base, x, mask)
    return base, x
