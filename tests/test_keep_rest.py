"""The rest of a picture stays to the last bit while a part of it is drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes import FakeGenerator
from stylegan2_files import CONFIG, NAME, random_network, write_model

from facegen.engines import make_engine
from facegen.errors import ModelError
from facegen.face import Face
from facegen.generator import Generator
from facegen.masks import Mask
from facegen.nets.blend_graphs import tiles_over
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.stylegan2 import SkipPreview
from facegen.nets.synthesis import Preview, Synthesis
from facegen.operations import KeepRest, MovePicture
from facegen.retouch.apply import draw
from facegen.service.render import RenderService
from facegen.threads import one_torch_thread

ENGINES = ["openvino", "torch"]
AREAS = {"corner": (0, 40, 200, 256), "middle": (90, 200, 60, 190), "half": (0, 256, 0, 128)}


def region(name, *, small=False):
    """A rectangle with an edge that fades over ten cells inwards."""
    top, bottom, left, right = AREAS[name]
    y, x = np.mgrid[:256, :256]
    far = np.minimum.reduce([y - top + 1, bottom - y, x - left + 1, right - x])
    return Mask.of(np.clip(far / 10, 0, 1), small=small)


def outside(mask, edge):
    return mask.at(edge) == 0


def latents(num_ws, seed=3):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(2, num_ws, 512, generator=rng).numpy()


def random_mobile(channels=(32, 32, 16)):
    """A small network of the bundled kind, 64 px."""
    net = MobileSynthesis(channels=channels, num_ws=18)
    rng = torch.Generator().manual_seed(5)
    for value in net.parameters():
        scale = 1.0 if value.ndim < 4 else value[0].numel() ** -0.5
        value.data = scale * torch.randn(value.shape, generator=rng)
    for name, value in net.named_parameters():
        if name.endswith(("modulation.weight", "up.weight")):
            value.data *= 0.02
    return net.requires_grad_(False)


@pytest.fixture(autouse=True)
def one_thread():
    with one_torch_thread():
        yield


@pytest.fixture(scope="module")
def style_net():
    return random_network()


@pytest.fixture(scope="module", params=["stylegan2", "mobile"])
def net(request, style_net):
    return style_net if request.param == "stylegan2" else random_mobile()


@pytest.mark.parametrize("name", AREAS)
def test_outside_is_the_base_and_fully_inside_nothing_of_it_stays(net, name):
    w_plus, w_base = (torch.from_numpy(w[None]) for w in latents(net.num_ws))
    mask = region(name)
    with torch.inference_mode():
        mixed = net.blend(w_plus, w_base, mask)
        base, edited = (net(w).clamp(-1, 1) for w in (w_base, w_plus))
    out = torch.from_numpy(outside(mask, 64))
    assert torch.equal(mixed[..., out], base[..., out])
    inside = torch.from_numpy(mask.at(64) == 1)
    far = (mixed - base)[..., inside].abs().mean()
    assert far > 0.3 * (edited - base)[..., inside].abs().mean() > 0.05


def test_all_and_nothing(net):
    w_plus, w_base = (torch.from_numpy(w[None]) for w in latents(net.num_ws))
    with torch.inference_mode():
        base, edited = (net(w).clamp(-1, 1) for w in (w_base, w_plus))
        assert torch.equal(net.blend(w_plus, w_base, Mask.empty()), base)
        assert torch.equal(net.blend(w_plus, w_base, Mask.whole()), edited)
        assert torch.equal(net.blend(w_base, w_base, region("middle")), base)


def test_a_network_that_cannot_do_it_says_so():
    class Other(Synthesis):
        pass

    assert not Other().can_blend
    with pytest.raises(ModelError, match="Networks like Other cannot keep the rest"):
        Other().blend(torch.zeros(1, 18, 512), torch.zeros(1, 18, 512), Mask.empty())


@pytest.mark.long
@pytest.mark.parametrize("size_px", [64, 32])
@pytest.mark.parametrize("name", ENGINES)
def test_engines_draw_what_the_exact_network_draws(style_net, name, size_px):
    head = SkipPreview(style_net)
    head.size_px = size_px
    engine = make_engine(name, style_net, head)
    w_pluses = latents(CONFIG.num_ws, seed=8)
    w_base = latents(CONFIG.num_ws)[:1]
    for area in AREAS:
        mask = region(area)
        with torch.inference_mode():
            pair = torch.from_numpy(w_pluses), torch.from_numpy(w_base).expand(2, -1, -1)
            exact = style_net.blend(*pair, mask)
            small = head.blend(style_net, *pair, mask)
        for got, want, base in (
            (engine.blend(w_pluses, w_base, mask), exact, engine.render(w_base)),
            (engine.blend_preview(w_pluses, w_base, mask), small, engine.preview(w_base)),
        ):
            want = (want * 127.5 + 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()
            assert np.abs(got - want).max() <= 1.01
            out = outside(mask, got.shape[1])
            assert np.array_equal(got[:, out], np.repeat(base, 2, axis=0)[:, out])
            assert not np.array_equal(got[0], got[1])


class NoPreview(SkipPreview):
    """Stands in for a preview of networks that have none."""

    def __init__(self):
        Preview.__init__(self)
        self.size_px = 64

    def openvino_graph(self, net):
        return net.openvino_graph()


def larger(kind):
    """Networks whose pictures are drawn in tiles, 256 px."""
    if kind == "mobile":
        return random_mobile((32, 32, 32, 32, 32))
    channels = {4: 16, 8: 16, 16: 16, 32: 16, 64: 16, 128: 8, 256: 8}
    return random_network(replace(CONFIG, img_resolution=256, channels=channels))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["stylegan2", "mobile"])
def test_tiles_agree_with_the_exact_network(kind):
    net = larger(kind)
    engine = make_engine("openvino", net, NoPreview())
    exact = make_engine("torch", net, NoPreview())
    w_plus, w_base = (w[None] for w in latents(net.num_ws))
    base = engine.render(w_base)
    assert base.std() > 20
    for name, small in (("corner", False), ("middle", True), ("half", False)):
        mask = region(name, small=small)
        got = engine.blend(w_plus, w_base, mask)
        want = exact.blend(w_plus, w_base, mask)
        assert np.abs(got.astype(int) - want).max() <= 1
        out = outside(mask, 256)
        assert np.array_equal(got[:, out], base[:, out])
        assert np.abs(got.astype(int) - base)[:, ~out].mean() > 5


def test_tiles_draw_all_that_is_reached_and_little_else():
    rng = np.random.RandomState(4)
    for tile, border, edge in ((20, 2, 64), (32, 4, 64), (8, 0, 64), (16, 2, 16)):
        for _ in range(20):
            top, left = rng.randint(0, edge, 2)
            cells = np.zeros((edge, edge), bool)
            cells[top : top + rng.randint(1, edge), left : left + rng.randint(1, edge)] = True
            count = np.zeros((edge, edge), int)
            for drawn, wanted in tiles_over(cells, tile=tile, border=border):
                count[wanted.times(1)] += 1
                assert drawn.bottom - drawn.top == drawn.right - drawn.left == tile
                for low, high, first, last in (
                    (drawn.top, drawn.bottom, wanted.top, wanted.bottom),
                    (drawn.left, drawn.right, wanted.left, wanted.right),
                ):
                    assert low == 0 or low + border <= first
                    assert high == edge or last <= high - border
            assert count.max() == 1
            assert (count[cells] == 1).all()
            inner = tile if tile == edge else tile - 2 * border
            height, width = (-(-(np.ptp(index) + 1) // inner) for index in np.nonzero(cells))
            assert count.sum() <= height * width * inner**2
    assert tiles_over(np.zeros((64, 64), bool), tile=20, border=2) == []


@pytest.fixture
def imported(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path))
    write_model(tmp_path)
    return Generator.load(NAME)


@pytest.mark.long
def test_a_generator_keeps_the_rest_at_every_size(imported):
    w_base, w_plus = imported.w_from_seed(1), imported.w_from_seed(2)
    keep = KeepRest.of(w_base, region("middle"))
    for size in (64, 32, 16):
        picture = imported.render(w_plus, size=size, keep=keep)
        base = imported.render(w_base, size=size)
        assert picture.shape == (size, size, 3)
        assert np.array_equal(picture[: size // 4], base[: size // 4])
        assert not np.array_equal(picture, base)
    whole, empty = (KeepRest.of(w_base, mask) for mask in (Mask.whole(), Mask.empty()))
    assert np.array_equal(imported.render(w_plus, keep=whole), imported.render(w_plus))
    assert np.array_equal(imported.render(w_plus, keep=empty), imported.render(w_base))
    both = imported.render(np.stack([w_base, w_plus]), keep=keep)
    assert np.array_equal(both[1], imported.render(w_plus, keep=keep))
    assert np.array_equal(both[0], imported.render(w_base))


def test_a_generator_whose_network_cannot_says_so(imported, monkeypatch):
    monkeypatch.setattr(type(imported.synthesis), "can_blend", False)
    w_base = imported.w_from_seed(1)
    assert not imported.can_keep
    with pytest.raises(ModelError, match=f"The network {NAME} cannot keep the rest"):
        imported.render(w_base + 1, keep=KeepRest.of(w_base, region("half")))


@pytest.mark.long
def test_a_saved_face_draws_the_same_pixels_and_keeps_its_rest(imported):
    w_base, w_plus = imported.w_from_seed(1), imported.w_from_seed(2)
    moved = MovePicture(roll=30.0)
    face = Face(w_plus, w_base, model=NAME, space=imported.space)
    face = face.finished((KeepRest.of(w_base, region("half")), moved))
    picture = draw(face.request(model=NAME, size=64), imported)
    kept = draw(face.request(model=NAME, size=64).drawn_only(), imported)
    assert np.array_equal(kept[:, 33:], imported.render(w_base)[:, 33:])
    assert not np.array_equal(picture, kept)
    again = Face.from_bytes(face.to_png(picture), name="a.png")
    assert np.array_equal(draw(again.request(model=NAME, size=64), imported), picture)


def test_the_service_keeps_the_rest_and_remembers_by_the_request():
    generator = FakeGenerator()
    service = RenderService(generator)
    w_base, w_plus = generator.w_from_seed(1), generator.w_from_seed(2)
    keeps = [KeepRest.of(w_base, region(name)) for name in ("half", "corner")]
    pictures = []
    for keep in keeps:
        request = service.request(w_plus, operations=(keep,))
        pictures.append(service.image(request))
        out = outside(keep.region, 1024)
        base = service.image(service.request(w_base))
        assert np.array_equal(pictures[-1][out], base[out])
        assert service.preview(request, session="a").error is None
        assert service.thumb(request) is not None
    assert not np.array_equal(*pictures)
    drawn = generator.rendered
    for keep, picture in zip(keeps, pictures, strict=True):
        known = service.image(service.request(w_plus, operations=(keep,)))
        assert np.array_equal(known, picture)
    assert generator.rendered == drawn


@pytest.mark.long
def test_the_bundled_network_keeps_the_rest_in_pictures_and_previews(generator):
    w_base = generator.w_from_seed(900_100)
    w_plus = w_base + 0.5 * (generator.w_from_seed(900_101) - w_base)
    exact = make_engine("torch", generator.synthesis, generator.head)
    for size, blend in ((1024, exact.blend), (256, exact.blend_preview)):
        base = generator.render(w_base, size=size)
        for name, small in (("middle", False), ("corner", True)):
            mask = region(name, small=small)
            picture = generator.render(w_plus, size=size, keep=KeepRest.of(w_base, mask))
            want = blend(w_plus[None], w_base[None], mask)[0]
            assert np.abs(picture.astype(int) - want).max() <= 2
            out = outside(mask, size)
            assert np.array_equal(picture[out], base[out])
            assert np.abs(picture.astype(int) - base)[~out].mean() > 5
