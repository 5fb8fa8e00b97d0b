"""Judges from packages: only the expected bytes are read, and ports say what the originals say."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from facegen.errors import FetchError, ModelError
from facegen.evaluation import packages
from facegen.evaluation.judges import (
    FACE_PX,
    FACERES_WIDTHS,
    FaceRes,
    Judges,
    cut_face,
    read_tfjs_weights,
)
from facegen.evaluation.lite0 import SameConv, load_lite0, to_input
from facegen.evaluation.mobilefacenet import (
    CHIP_PX,
    PLACES,
    MobileFaceNet,
    arcface_chip,
    similarity,
)
from facegen.evaluation.packages import FACERES, PACKAGES, Package, fetch_package, read_members


def packed(folder, kind):
    """A package of one file, as npm or pip would leave it."""
    path = folder / f"one.{kind}"
    if kind == "whl":
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr("a/b.bin", b"data")
    else:
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo("a/b.bin")
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"data"))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package("npm", "one", "1", path.name, sha256, {"data": "a/b.bin"}, "none")


@pytest.mark.parametrize("kind", ["whl", "tgz"])
def test_only_the_named_files_are_read(tmp_path, kind):
    package = packed(tmp_path, kind)
    assert read_members(package, tmp_path) == {"data": b"data"}
    assert fetch_package(package, tmp_path) == tmp_path / package.archive  # it is there already


def test_another_file_under_the_same_name_is_refused(tmp_path):
    package = replace(packed(tmp_path, "whl"), sha256="0" * 64)
    for use in (read_members, fetch_package):
        with pytest.raises(ModelError, match="should have SHA-256 0000.*Delete it"):
            use(package, tmp_path)


def test_a_missing_package_says_how_to_get_it(tmp_path):
    with pytest.raises(ModelError, match="run `python -m facegen evaluate fetch` once"):
        read_members(FACERES, tmp_path)


def test_a_client_that_fails_is_a_sentence(tmp_path, monkeypatch):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(packages.subprocess, "run", fail)
    with pytest.raises(
        FetchError, match=r"@vladmandic/human 3.3.6 could not be downloaded with npm"
    ):
        fetch_package(FACERES, tmp_path)


def test_packages_are_pinned():
    for package in PACKAGES:
        assert len(package.sha256) == 64
        assert package.version in package.archive


def test_weights_are_read_by_their_manifest():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    entries = [
        {"name": "a", "shape": [2, 3], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "axes", "shape": [2], "dtype": "int32"},
        {"name": "b", "shape": [], "dtype": "float32"},
    ]
    manifest = json.dumps({"weightsManifest": [{"weights": entries}]}).encode()
    data = values.astype("<f2").tobytes() + np.array([1, 2], "<i4").tobytes()
    found = read_tfjs_weights(manifest, data + np.array(6, "<f4").tobytes())
    assert np.array_equal(found["a"], values)
    assert found["b"] == 6
    assert set(found) == {"a", "b"}
    with pytest.raises(ModelError, match="their manifest names 24"):
        read_tfjs_weights(manifest, data + bytes(8))


def faceres_shapes():
    shapes = {
        "conv1/convolution/merged_input": (3, 3, 3, 32),
        "conv1_bn/batchnorm_1/sub": (32,),
        "feats/kernel": (1024, 256), "feats/bias": (256,),
        "gender_pred/kernel": (256, 1), "gender_pred/bias": (1,),
        "age_pred/kernel": (256, 100), "age_pred/bias": (100,),
        "conv1_relu/Cast": (), "conv1_relu/Const_1": (),
    }  # fmt: skip
    inputs = 32
    for k, outputs in enumerate(FACERES_WIDTHS, start=1):
        shapes |= {
            f"conv_dw_{k}/depthwise_kernel": (3, 3, inputs, 1),
            f"conv_dw_{k}_bn/batchnorm_1/mul": (inputs,),
            f"conv_dw_{k}_bn/batchnorm_1/sub": (inputs,),
            f"conv_pw_{k}/convolution/merged_input": (1, 1, inputs, outputs),
            f"conv_pw_{k}_bn/batchnorm_1/sub": (outputs,),
            **{f"conv_{part}_{k}_relu/{end}": () for part in ("dw", "pw")
               for end in ("Cast", "Const_1")},
        }  # fmt: skip
        inputs = outputs
    return shapes


def test_faceres_gives_probabilities():
    rng = np.random.RandomState(0)
    weights = {
        name: np.float32(6 if name.endswith("Cast") else 0)
        if name.endswith(("Cast", "Const_1"))
        else (0.1 * rng.randn(*shape)).astype(np.float32)
        for name, shape in faceres_shapes().items()
    }
    net = FaceRes({name: np.asarray(values) for name, values in weights.items()})
    with torch.inference_mode():
        features, male, ages = net(torch.zeros(2, 3, FACE_PX, FACE_PX))
    assert features.shape == (2, 1024)
    assert ((male >= 0) & (male <= 1)).all()
    assert ages.sum(dim=1).tolist() == pytest.approx([1.0, 1.0])


def test_convolutions_are_padded_to_the_right_and_below():
    conv = SameConv(1, 1, 3, 2, bias=False)
    with torch.no_grad():
        conv.weight.fill_(0.0)
        conv.weight[0, 0, 0, 0] = 1.0  # takes the top left of its window
        image = torch.arange(36.0).reshape(1, 1, 6, 6)
        assert torch.equal(conv(image), image[..., ::2, ::2])
        odd = conv(torch.arange(25.0).reshape(1, 1, 5, 5))
    assert odd[0, 0, 0].tolist() == [0.0, 0.0, 0.0]
    assert odd[0, 0, 1].tolist() == [0.0, 6.0, 8.0]


@pytest.mark.parametrize("scale", [1, 3])
def test_a_face_is_cut_out_where_its_landmarks_are(scale):
    image = np.zeros((300 * scale, 300 * scale, 3), np.uint8)
    image[100 * scale : 200 * scale, 80 * scale : 180 * scale] = 200
    landmarks = np.array([[80, 100], [180, 100], [80, 200], [180, 200]]) * float(scale)
    chip = cut_face(image, landmarks, 1.0)
    assert chip.shape == (FACE_PX, FACE_PX, 3)
    quarter = FACE_PX // 4
    inside = chip[quarter + 3 : -quarter - 3, quarter + 3 : -quarter - 3]
    assert (inside == 200).all()
    assert (chip[: quarter - 3] == 0).all()
    assert (chip[:, -quarter + 3 :] == 0).all()


def test_five_points_come_where_arcface_wants_them():
    turn = 3 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    points = PLACES @ turn.T + [200, 90]
    matrix = similarity(points, PLACES)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], PLACES, atol=1e-9)


def test_a_large_face_is_cut_where_a_small_one_is():
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48] = PLACES[0], PLACES[1]
    landmarks[[30, 48, 54]] = PLACES[2:]
    small = np.zeros((CHIP_PX, CHIP_PX, 3), np.uint8)
    small[40:60, 30:80] = 255
    large = np.kron(small, np.ones((4, 4, 1), np.uint8))
    places = 4 * landmarks + 1.5  # pixels are counted from their middles
    difference = arcface_chip(large, places).astype(int) - arcface_chip(small, landmarks)
    assert np.abs(difference).max() <= 2


# --- with the published files -------------------------------------------------------------------


@pytest.fixture(scope="module")
def fetched():
    """The cache folder, with all packages in it."""
    for package in PACKAGES:
        fetch_package(package)
    return packages.JUDGES_DIR


@pytest.mark.slow
def test_faceres_says_what_tensorflow_js_says(fetched):
    # Numbers of @tensorflow/tfjs-core 4.22 (CPU) on the same input; none differed by over 4e-6.
    found = read_members(FACERES, fetched)
    net = FaceRes(read_tfjs_weights(found["manifest"], found["weights"]))
    x = np.random.RandomState(3).uniform(-120, 150, (224, 224, 3)).astype(np.float32)
    with torch.inference_mode():
        features, male, ages = net(torch.from_numpy(x.transpose(2, 0, 1)[None].copy()))
    assert float(male[0]) == pytest.approx(0.6357331, abs=1e-5)
    assert float(ages[0].numpy() @ np.arange(1, 101)) == pytest.approx(39.653266, abs=1e-3)
    wanted = {7: 2.172672, 917: 1.197926, 584: 0.99066, 845: 0.497408, 444: 0.385612}
    for place, value in wanted.items():
        assert float(features[0, place]) == pytest.approx(value, abs=2e-5)
    assert float(features.sum()) == pytest.approx(6.0941, abs=1e-3)


@pytest.mark.slow
def test_lite0_names_what_is_in_a_photograph(fetched):
    from sklearn.datasets import load_sample_image

    net = load_lite0(fetched)
    for name, classes in (("china.jpg", {698, 442}), ("flower.jpg", {985})):
        photograph = load_sample_image(name)
        edge = photograph.shape[0]
        left = (photograph.shape[1] - edge) // 2
        logits = net(to_input(np.ascontiguousarray(photograph[:, left : left + edge])))
        assert int(logits.argmax()) in classes  # palace, bell cote; daisy


@pytest.mark.slow
@pytest.mark.weights
def test_judges_tell_people_apart_and_see_them_turn(fetched, generator):
    from facegen.editing.dial_set import DialSet
    from facegen.measure.detector import load_instruments

    judges, dials = Judges(fetched), DialSet.load(own=False)

    def judge(w_plus):
        image = generator.render(w_plus, size=512)
        return judges.judge(image, load_instruments().detect(image).landmarks)

    bases = [generator.w_from_seed(seed) for seed in (3, 7, 11)]
    front = [judge(w) for w in bases]
    turned = [judge(dials.apply(w, {"yaw": 15.0})) for w in bases]
    older = [judge(dials.apply(w, {"age": 15.0})) for w in bases]
    same = [float(a.identity @ b.identity) for a, b in zip(front, turned, strict=True)]
    strangers = [float(front[i].identity @ front[j].identity) for i in range(3) for j in range(i)]
    assert min(same) > max(strangers)
    assert all(b.yaw - a.yaw > 7 for a, b in zip(front, turned, strict=True))
    assert all(b.age - a.age > 5 for a, b in zip(front, older, strict=True))


@pytest.mark.slow
@pytest.mark.weights
def test_mobilefacenet_tells_people_apart(fetched, generator):
    from facegen.measure.detector import load_instruments

    judge = MobileFaceNet(fetched)

    def identity(w_plus, shade=1.0):
        image = (generator.render(w_plus, size=512) * shade).astype(np.uint8)
        return judge.identity(image, load_instruments().detect(image).landmarks)

    bases = [generator.w_from_seed(seed) for seed in (3, 7, 11)]
    bright = [identity(w) for w in bases]
    same = [float(a @ identity(w, 0.7)) for a, w in zip(bright, bases, strict=True)]
    strangers = [float(bright[i] @ bright[j]) for i in range(3) for j in range(i)]
    assert min(same) > 0.8 > max(strangers)
