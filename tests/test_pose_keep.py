"""Turned frames brought back to the person by gradient descent, and put right."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from stylegan2_files import CONFIG, random_network
from torch.nn import functional

from facegen.engines import make_engine
from facegen.errors import ModelError, UsageError
from facegen.face import Face
from facegen.generator import Generator
from facegen.latents import GEOMETRY_ROWS
from facegen.measure.measurer import Measurement, load_measurer
from facegen.nets.stylegan2 import SkipPreview
from facegen.nets.synthesis import Synthesis
from facegen.nets.window import BORDER, Box, Window
from facegen.networks import Networks
from facegen.optimise.identity import IdentityOptimiser, can_optimise, optimiser_of
from facegen.pose.head_pose import KEPT_DIALS, pose_face
from facegen.pose.hold import IdentityHolder
from facegen.pose.loop import put_right
from facegen.sweeps.grid import Cell
from facegen.sweeps.sweep import Sweep

SEED = 700_001


class InUnits:
    """Dials of which all measurements are readings already."""

    def __init__(self, dials):
        self._dials = dials

    def in_units(self, values):
        return values

    def __getattr__(self, name):
        return getattr(self._dials, name)


BOX = Box(top=0.35, bottom=0.65, left=0.3, right=0.7)


def assert_part_of(whole, part):
    """The part is the whole picture's, but for a border."""
    inside = slice(BORDER * part.edge // 128, -BORDER * part.edge // 128)
    height, width = part.picture.shape[2:]
    same = whole[:, :, part.top : part.top + height, part.left : part.left + width]
    assert (part.picture - same)[:, :, inside, inside].abs().max() < 1e-4


def test_a_window_stays_in_the_picture_and_holds_the_box():
    window = Window.around(Box(top=0.5, bottom=0.75, left=-0.1, right=0.25), 128)
    assert window == Window(64 - BORDER, 97 + BORDER, 0, 33 + BORDER)
    assert window.times(4).left == 0
    assert window.of(torch.zeros(1, 2, 128, 128)).shape == (1, 2, 33 + 2 * BORDER, 33 + BORDER)


@pytest.mark.weights
def test_the_part_of_the_picture_is_the_whole_one_averaged_down(generator):
    w_plus = torch.tensor(np.array(generator.w_from_seed(SEED), np.float32))[None]
    with torch.no_grad():
        whole = functional.avg_pool2d(generator.synthesis(w_plus), 2)
        part = generator.synthesis.picture_part(w_plus, BOX)
    assert part.edge == 512
    assert part.picture.shape[2] < 250
    # Halved, as before the descriptor's chip is cut, it is a part of the whole picture halved.
    assert part.left % 4 == part.top % 4 == 0
    assert_part_of(whole, part)


@pytest.mark.long
@pytest.mark.parametrize("edge", [64, 256, 1024])
def test_the_part_of_a_stylegan2_picture_and_its_gradients_are_the_whole_ones(edge):
    channels = {4 * 2**i: max(16 >> i, 4) for i in range(edge.bit_length() - 2)}
    config = replace(CONFIG, w_dim=32, z_dim=32, img_resolution=edge, channels=channels)
    net = random_network(config).requires_grad_(False)
    rng = torch.Generator().manual_seed(5)
    w_plus = torch.randn(1, 18, 32, generator=rng).requires_grad_(True)
    part = net.picture_part(w_plus, BOX)
    whole = Synthesis.picture_part(net, w_plus, BOX)
    assert (whole.left, whole.top, whole.picture.shape[2]) == (0, 0, min(edge, 512))
    assert part.edge == whole.edge
    assert (part.picture.shape[2] < 0.5 * part.edge) == (edge > 128)
    assert_part_of(whole.picture, part)
    middle = [
        one.picture[
            :, :, int(0.35 * one.edge) - one.top : int(0.65 * one.edge) - one.top,
            int(0.3 * one.edge) - one.left : int(0.7 * one.edge) - one.left,
        ]
        for one in (part, whole)
    ]  # fmt: skip
    got, want = (torch.autograd.grad(x.square().mean(), w_plus)[0][0] for x in middle)
    assert want[:9].abs().amax(dim=1).min() > 0
    assert torch.allclose(got[:9], want[:9], rtol=1e-3, atol=1e-5 * float(want.abs().max()))
    assert not got[9:].any()


@pytest.mark.weights
def test_gradients_reach_the_coarse_rows_alone(generator):
    w_plus = torch.tensor(np.array(generator.w_from_seed(SEED), np.float32))[None]
    w_plus.requires_grad_(True)
    generator.synthesis.picture_part(w_plus, BOX).picture.square().sum().backward()
    moved = w_plus.grad[0].abs().sum(dim=1)
    assert torch.all(moved[:GEOMETRY_ROWS] > 0)
    assert torch.all(moved[9:] == 0)


@pytest.mark.weights
def test_a_few_steps_bring_a_turned_face_nearer_to_the_person_in_the_whole_picture(
    generator, dials
):
    optimiser, measurer, face = (
        IdentityOptimiser(generator, 3),
        load_measurer(),
        Face.from_seed(generator, SEED),
    )
    front = pose_face(face, dials, yaw=0, pitch=0).w_plus
    goal = optimiser.describe(front, measurer.angles(generator.preview(front)).landmarks)
    person = measurer.measure(generator.render(front, size=512)).descriptor
    before, after, done = [], [], []
    for yaw in (-25.0, 25.0):
        turned = pose_face(face, dials, yaw=yaw, pitch=0).w_plus
        landmarks = measurer.angles(generator.preview(turned)).landmarks
        kept = optimiser.bring_back(turned, landmarks, goal)
        assert np.array_equal(kept[GEOMETRY_ROWS:], turned[GEOMETRY_ROWS:])
        done.append((turned, landmarks, kept))
        for w_plus, found in ((turned, before), (kept, after)):
            seen = measurer.measure(generator.render(w_plus, size=512))
            found.append(np.linalg.norm(seen.descriptor - person))
    assert np.mean(after) < 0.85 * np.mean(before)
    with ThreadPoolExecutor(2) as pool:  # at the same time, as sweeps do it: the same bytes
        again = list(pool.map(lambda one: optimiser.bring_back(one[0], one[1], goal), done))
    assert all(np.array_equal(one, kept) for one, (*_, kept) in zip(again, done, strict=True))


@pytest.mark.weights
def test_the_keepers_descriptor_is_dlibs(generator, face):
    optimiser, measurer = IdentityOptimiser(generator), load_measurer()
    seen = measurer.measure(generator.render(face.w_plus, size=512))
    assert np.linalg.norm(optimiser.describe(face.w_plus, seen.landmarks) - seen.descriptor) < 0.05


@pytest.mark.weights
def test_holding_does_not_care_which_network_it_is(generator, face, dials):
    """A small StyleGAN2 with random weights draws the latents of the bundled space."""
    net = random_network().requires_grad_(False)
    networks = Networks(generator.mapping, net, SkipPreview(net), face.space, generator.w_avg)
    small = Generator(networks, make_engine("torch", net, networks.head), model="small")
    # Of the full picture: what noise can be held to depends on where the face is cut out of it.
    landmarks = load_measurer().angles(generator.render(face.w_plus, size=512)).landmarks

    def see(w_plus):
        return Measurement(dials.read(w_plus), landmarks)

    optimiser = optimiser_of(small, 5)
    goal = optimiser.describe(face.w_plus, landmarks)
    turned = pose_face(face, dials, yaw=15, pitch=0).w_plus
    kept = optimiser.bring_back(turned, landmarks, goal)
    before, after = (
        np.linalg.norm(optimiser.describe(w, landmarks) - goal) for w in (turned, kept)
    )
    assert after < 0.9 * before
    holder = IdentityHolder(optimiser, InUnits(dials), see, see, lambda: face)
    held, is_reached = holder.hold(pose_face(face, dials, yaw=15, pitch=0), yaw=15.0, pitch=0.0)
    assert is_reached
    assert dials.read(held.w_plus)["yaw"] == pytest.approx(15, abs=1)
    assert np.array_equal(held.w_plus[GEOMETRY_ROWS:], turned[GEOMETRY_ROWS:])


@pytest.mark.weights
def test_a_sweep_holds_the_person_and_still_meets_its_angles(generator, dials):
    face, measurer = Face.from_seed(generator, 7), load_measurer()
    cells = [Cell(-25.0, 0.0), Cell(0.0, 0.0), Cell(25.0, 0.0)]
    plain, held = (
        list(Sweep(generator, face, dials, measurer, size=512, optimiser=optimiser).frames(cells))
        for optimiser in (None, IdentityOptimiser(generator))
    )
    assert np.array_equal(plain[1].face.w_plus, held[1].face.w_plus)
    # One face: 0.87 with AVX-512 and AMX. Means over 32 faces are in docs/results/pose.md.
    assert held[0].identity + held[2].identity < 0.92 * (plain[0].identity + plain[2].identity)
    for frame in held:
        assert abs(frame.measurement.values["yaw"] - frame.cell.yaw) < 4
        assert np.array_equal(frame.face.w_plus[GEOMETRY_ROWS:], face.w_plus[GEOMETRY_ROWS:])


def test_a_latent_is_put_right_by_what_its_picture_misses(face, dials):
    start = np.array(face.w_plus, np.float32)
    yaw = dials.vector("yaw")[:GEOMETRY_ROWS]

    def see(w_plus):
        moved = float(np.vdot(w_plus[:GEOMETRY_ROWS] - start[:GEOMETRY_ROWS], yaw))
        return {"yaw": 0.8 * moved / float(np.vdot(yaw, yaw)), "pitch": 0.0}

    goal = {"yaw": 5.0, "pitch": 0.0}
    best, miss = put_right(start, goal, see, dials=dials, back_to=start)
    assert miss == pytest.approx(5 * 0.2**2, abs=0.05)
    assert see(best)["yaw"] == pytest.approx(4.8, abs=0.05)
    assert put_right(start, goal, lambda _: None, dials=dials, back_to=start) == (None, np.inf)


def test_where_no_face_is_seen_the_turn_is_taken_back_a_little(face, dials):
    asked = []

    def see(w_plus):
        asked.append(w_plus)
        return None if len(asked) < 3 else {"yaw": 30.0, "pitch": 0.0}

    front = np.array(face.w_plus, np.float32)
    goal = {"yaw": 30.0, "pitch": 0.0}
    best, miss = put_right(front + 1, goal, see, dials=dials, back_to=front)
    assert miss == 0
    assert np.allclose(best - front, 0.85**2, atol=1e-5)


def test_looks_that_see_no_face_do_not_use_up_the_corrections(face, dials):
    front = np.array(face.w_plus, np.float32)
    looks = iter([None, None, None, 30.0, 36.0])

    def see(_):
        yaw = next(looks)
        return None if yaw is None else {"yaw": yaw, "pitch": 0.0}

    goal = {"yaw": 36.0, "pitch": 0.0}
    assert put_right(front, goal, see, dials=dials, back_to=front, rounds=1)[1] == 0


def test_a_face_that_resists_is_not_pushed_beyond_where_faces_are(face, dials):
    latents = []

    def see(w_plus):
        latents.append(w_plus)
        return {"yaw": 0.6 * dials.read(w_plus)["yaw"], "pitch": 0.0}

    start = pose_face(face, dials, yaw=42, pitch=0).w_plus
    best, miss = put_right(
        start, {"yaw": 40.0, "pitch": 0.0}, see, dials=dials, back_to=start, rounds=5
    )
    end = dials.spec("yaw").safe[1]
    assert max(dials.read(w_plus)["yaw"] for w_plus in latents) < end + 3
    assert miss > 10
    assert best is not None


@pytest.mark.weights
def test_a_person_is_made_usual_as_the_angles_grow_and_stays_at_the_front(generator, face):
    optimiser = IdentityOptimiser(generator)
    front, some, far, beyond = (
        optimiser.toward_average(face.w_plus, yaw, 0.0) for yaw in (0.0, 20.0, 40.0, 90.0)
    )
    assert not front.any()
    assert np.allclose(far, 4 * some, atol=1e-5)
    assert np.array_equal(far, beyond)
    assert not far[GEOMETRY_ROWS:].any()
    average = np.mean([generator.w_from_seed(seed) for seed in range(40)], axis=0)[0]
    gone = [np.linalg.norm((w - average)[0]) for w in (face.w_plus, face.w_plus + far)]
    assert 0.4 < gone[1] / gone[0] < 0.7


def test_a_pose_is_held_once_for_all_its_gazes(face, monkeypatch, dials):
    asked = []

    def held(self, turned, yaw, pitch, free):
        asked.append(yaw)
        return turned, True

    monkeypatch.setattr(IdentityHolder, "_held", held)
    person = IdentityHolder(None, dials, None, None, None)
    left, right = (pose_face(face, dials, yaw=yaw, pitch=0) for yaw in (-20, 20))
    for turned, yaw in ((left, -20.0), (right, 20.0), (left, -20.0), (right, 20.0)):
        assert person.hold(turned, yaw=yaw, pitch=0.0)[0].w_plus is not None
    assert asked == [-20, 20]
    person.hold(left, yaw=-20.0, pitch=0.0, free=("smile",))
    assert len(asked) == 3


def test_who_asks_for_a_pose_that_is_being_held_waits_for_it(face, monkeypatch, dials):
    asked, is_asked, may_go_on = [], threading.Event(), threading.Event()

    def held(self, turned, yaw, pitch, free):
        asked.append(yaw)
        is_asked.set()
        assert may_go_on.wait(60)
        return turned, True

    monkeypatch.setattr(IdentityHolder, "_held", held)
    person = IdentityHolder(None, dials, None, None, None)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(person.hold, face, yaw=20.0, pitch=0.0)
        assert is_asked.wait(60)
        second = pool.submit(person.hold, face, yaw=20.0, pitch=0.0)
        may_go_on.set()
        assert first.result() is second.result()
    assert asked == [20.0]


def test_a_person_nobody_sees_cannot_be_held(face, dials):
    class Blind:
        steps = 5

        def toward_average(self, w_plus, yaw, pitch):
            return np.zeros_like(w_plus)

        def describe(self, w_plus, landmarks):
            return np.zeros(128, np.float32)

    readings = dict.fromkeys(("yaw", "pitch", *KEPT_DIALS), 0.0)
    ahead = Measurement(readings, np.zeros((68, 2)))

    def see(w_plus):
        return ahead if np.array_equal(w_plus, face.w_plus) else None

    person = IdentityHolder(Blind(), InUnits(dials), see, lambda w: None, lambda: face)
    turned = pose_face(face, dials, yaw=30, pitch=0)
    assert person.hold(turned, yaw=30.0, pitch=0.0) is None


@pytest.mark.weights
def test_what_cannot_be_held_is_refused_in_a_sentence(generator, face, dials):
    with pytest.raises(UsageError, match="1 to 40 steps, got 41"):
        IdentityOptimiser(generator, 41)
    with pytest.raises(UsageError, match="instruments"):
        Sweep(generator, face, dials, None, optimiser=IdentityOptimiser(generator))
    assert optimiser_of(generator, 0) is None
    assert can_optimise(generator)
    assert not can_optimise(object())
    with pytest.raises(ModelError, match="Sweep without holding"):
        optimiser_of(object(), 5)
