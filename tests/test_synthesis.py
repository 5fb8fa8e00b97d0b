"""A network of an architecture that brings nothing but `forward` works all the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from facegen.engines import make_engine
from facegen.errors import ModelError
from facegen.nets.synthesis import Preview, Synthesis
from facegen.nets.window import Box


class Plain(Synthesis):
    img_resolution, num_ws, w_dim = 1024, 2, 3

    def __init__(self):
        super().__init__()
        self.level = nn.Parameter(torch.tensor([0.5, -0.5, 0.0]))

    def forward(self, w_plus):
        colour = self.level * w_plus[:, 0]
        return colour[:, :, None, None].expand(-1, -1, 1024, 1024)


class Corner(Preview):
    size_px = 16

    def forward(self, net, w_plus):
        return net(w_plus)[:, :, :16, :16]


def test_it_is_drawn_by_pytorch_where_the_fast_ways_do_not_know_it(caplog, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    engine = make_engine("auto", Plain(), Corner())
    assert engine.name == "torch"
    assert "OpenVINO does not know networks like Plain" in caplog.text
    w_plus = torch.ones(1, 2, 3).numpy()
    assert engine.render(w_plus)[0, 0, 0].tolist() == [191, 64, 128]
    assert engine.preview(w_plus).shape == (1, 16, 16, 3)
    with pytest.raises(ModelError, match="no GPU form of networks like Plain"):
        Plain().fast()
    with pytest.raises(ModelError, match="work of a Plain is not known"):
        Plain().work()
    assert Plain().plain_form() is None


def test_its_part_is_the_whole_picture_and_gradients_pass():
    w_plus = torch.ones(1, 18, 3, requires_grad=True)
    part = Plain().picture_part(w_plus, Box(0.4, 0.6, 0.4, 0.6))
    assert (part.left, part.top, part.edge) == (0, 0, 512)
    part.picture.mean().backward()
    assert w_plus.grad[0, 0].tolist() == pytest.approx([0.5 / 3, -0.5 / 3, 0])
    assert not w_plus.grad[0, 1:].any()
