"""The descriptor network read from dlib's file: the same numbers as dlib's own."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.errors import BadFileError
from facegen.formats.dlib import parse_network
from facegen.nets.descriptor import add_padded
from facegen.weights import ensure_files

torch = pytest.importorskip("torch")
SEEDS = (910_000, 910_001, 910_005)


@pytest.fixture(scope="module")
def network_bytes():
    return ensure_files("dlib-face")["descriptor"].read_bytes()


@pytest.fixture(scope="module")
def pictures(generator):
    return [generator.render(generator.w_from_seed(seed, 0.7), size=512) for seed in SEEDS]


@pytest.mark.weights
def test_descriptors_are_dlibs_own(pictures):
    import dlib

    from facegen.measure.detector import load_instruments

    files = ensure_files("dlib-face")
    slow = dlib.face_recognition_model_v1(str(files["descriptor"]))
    for picture in pictures:
        detection = load_instruments().detect(picture)
        points = dlib.points()
        for x, y in detection.landmarks.astype(int):
            points.append(dlib.point(int(x), int(y)))
        shape = dlib.full_object_detection(dlib.rectangle(0, 0, 1, 1), points)
        theirs = np.array(slow.compute_face_descriptor(picture, shape))
        assert np.abs(detection.descriptor - theirs).max() < 1e-3
        assert np.linalg.norm(detection.descriptor - theirs) < 0.005


@pytest.mark.weights
def test_gradients_reach_the_picture_and_the_descriptor_is_near(pictures):
    from facegen.measure.descriptor import descriptor_torch
    from facegen.measure.detector import load_instruments

    detection = load_instruments().detect(pictures[0])
    image = torch.from_numpy(pictures[0]).permute(2, 0, 1)[None].float() / 127.5 - 1
    image.requires_grad_(True)
    descriptor = descriptor_torch(image, detection.landmarks[None])
    assert np.linalg.norm(descriptor[0].detach().numpy() - detection.descriptor) < 0.1
    descriptor.sum().backward()
    inside, outside = image.grad[0, :, 200:300, 200:300], image.grad[0, :, :20, :20]
    assert inside.abs().mean() > 0
    assert outside.abs().max() == 0


@pytest.mark.weights
def test_damaged_network_files_are_refused(network_bytes):
    for broken in (b"", network_bytes[:1000], network_bytes[:-1], network_bytes + b"\x01"):
        with pytest.raises(BadFileError, match="descriptor network"):
            parse_network(broken, name="x.dat")
    infinite = bytearray(network_bytes)
    infinite[360:364] = np.float32(np.inf).tobytes()
    with pytest.raises(BadFileError, match="not finite"):
        parse_network(bytes(infinite), name="x.dat")


def test_branches_of_different_size_are_added_from_the_first_corner():
    small, large = torch.ones(1, 2, 3, 3), torch.ones(1, 4, 2, 4)
    total = add_padded(small, large)
    assert total.shape == (1, 4, 3, 4)
    assert total[0, 0, 0, 0] == 2
    assert total[0, 3, 2, 3] == 0
