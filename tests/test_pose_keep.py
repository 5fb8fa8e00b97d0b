"""Turned frames brought back to the person by gradient descent."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.datasets.frames import Sweep
from facegen.datasets.grid import Cell
from facegen.datasets.watch import load_watcher
from facegen.face import Face
from facegen.pose.keep import Keeper, KeptPerson, Turned
from facegen.pose.loop import NUM_TERMS
from facegen.pose.turn import GEOMETRY_ROWS, pose_face


def test_a_kept_person_is_the_same_at_the_front_and_in_the_fine_rows():
    weights = np.random.RandomState(0).randn(NUM_TERMS, GEOMETRY_ROWS * 512).astype(np.float32)
    weights[0] = 0
    w_plus = np.ones((18, 512), np.float32)
    kept = KeptPerson(weights)
    assert np.array_equal(kept.apply(w_plus, 0, 0), w_plus)
    turned = kept.apply(w_plus, 20, 0)
    assert not np.allclose(turned[:GEOMETRY_ROWS], 1)
    assert np.array_equal(turned[GEOMETRY_ROWS:], w_plus[GEOMETRY_ROWS:])
    assert np.all(w_plus == 1)


@pytest.mark.weights
def test_two_steps_bring_a_turned_face_nearer_to_the_person(generator):
    face = Face.from_seed(generator, 700_001)
    frames = []
    for yaw, pitch in ((0.0, 0.0), (-30.0, 0.0), (30.0, 0.0)):
        w_plus = pose_face(face, yaw=yaw, pitch=pitch).w_plus
        seen = load_watcher().angles(generator.preview(w_plus))
        frames.append(Turned((yaw, pitch), w_plus, seen.landmarks))
    kept = Keeper(generator).learn(frames[0], frames[1:])

    def distance(yaw, w_plus):
        a, b = (
            load_watcher().all(generator.render(w, size=512)) for w in (frames[0].w_plus, w_plus)
        )
        assert abs(b.values["yaw"] - yaw) < 12
        return np.linalg.norm(a.descriptor - b.descriptor)

    before = np.mean([distance(one.angles[0], one.w_plus) for one in frames[1:]])
    after = np.mean([distance(f.angles[0], kept.apply(f.w_plus, *f.angles)) for f in frames[1:]])
    assert after < 0.95 * before


@pytest.mark.weights
def test_a_sweep_with_a_keeper_learns_the_person_once_and_uses_it(generator):
    class Shift:
        asked = 0

        def learn(self, front, frames):
            self.asked += 1
            assert front.angles == (0, 0)
            weights = np.zeros((NUM_TERMS, GEOMETRY_ROWS * 512), np.float32)
            weights[3] = 0.01  # grows with the square of yaw
            return KeptPerson(weights)

    face, shift = Face.from_seed(generator, 700_001), Shift()
    kept = Sweep(generator, face, load_watcher(), size=256, keeper=shift, measure="none")
    moved = [kept.face_of(Cell(yaw, 0.0))[0].w_plus for yaw in (30.0, 0.0)]
    asked = kept._full_map(None).ask(30.0, 0.0)
    plain = pose_face(face, yaw=asked[0], pitch=asked[1]).w_plus
    assert shift.asked == 1
    assert not np.allclose(moved[0][:GEOMETRY_ROWS], plain[:GEOMETRY_ROWS], atol=1e-4)
    assert np.array_equal(moved[0][GEOMETRY_ROWS:], face.w_plus[GEOMETRY_ROWS:])
