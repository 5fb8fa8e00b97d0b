"""Dials made from examples: learned, kept, shared, used beside the others."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from facegen.cli import cli, own_dials
from facegen.directions import user_dials
from facegen.directions.make_user_dial import make_own
from facegen.directions.store import npz_bytes
from facegen.editing.dial_set import DialSet
from facegen.errors import BadFileError, SpaceMismatchError, UnknownDialError, UsageError
from facegen.face import Face
from facegen.latents import BUNDLED_SPACE
from tests.fakes import FakeGenerator
from tests.own_space import copy_dials, labelled_faces


@pytest.fixture(scope="module")
def hats(generator):
    return labelled_faces(generator, "hat")


@pytest.fixture(scope="module")
def learned(generator, hats):
    return make_own(generator, hats[0], hats[1], name="my_hat", title="My hat")


@pytest.fixture
def folder(tmp_path):
    return copy_dials(tmp_path / "dials")


def test_twenty_and_twenty_tell_unseen_faces_apart(generator, hats, learned):
    reads = np.array([learned.read(w_plus) for w_plus in hats[2]])
    assert roc_auc_score(hats[3], reads) > 0.8
    assert 0.7 < learned.score <= 1.0
    assert abs(np.mean([learned.read(generator.w_from_seed(s, 0.8)) for s in range(200)])) < 0.3


def test_one_unit_moves_the_reading_by_one_and_the_named_thing_most(generator, learned):
    base = generator.w_from_seed(900_001, 0.8)
    assert learned.read(base + learned.vector) - learned.read(base) == pytest.approx(1, abs=1e-3)
    assert next(iter(learned.moves)) == "hat"
    assert learned.moves["hat"] > 0.4
    assert max(abs(learned.moves[name]) for name in ("age", "gender", "yaw")) < 0.25


def test_making_a_dial_reports_its_progress(generator, hats):
    seen = []
    make_own(generator, hats[0], hats[1], name="again", progress=lambda *step: seen.append(step))
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.long
def test_a_space_without_dials_can_have_own_ones(tmp_path):
    fake = FakeGenerator()
    rng = np.random.RandomState(0)
    faces = [fake.w_from_seed(seed, 0.8) for seed in range(60)]
    truth = rng.randn(512).astype(np.float32)
    order = np.argsort([float(w[0] @ truth) for w in faces])
    low, high = ([faces[k] for k in part] for part in (order[:20], order[-20:]))
    dial = make_own(fake, high, low, name="thing", folder=tmp_path)
    assert dial.moves == {}
    others = [fake.w_from_seed(seed, 0.8) for seed in range(100, 300)]
    values = np.array([float(w[0] @ truth) for w in others])
    assert np.corrcoef(values, [dial.read(w) for w in others])[0, 1] > 0.2


@pytest.mark.parametrize(
    ("has", "has_not", "says"),
    [(2, 20, "got 2 and 20"), (20, 0, "got 20 and 0")],
)
def test_too_few_examples_are_refused(generator, hats, has, has_not, says):
    with pytest.raises(UsageError, match=says):
        make_own(generator, hats[0][:has], hats[1][:has_not], name="few")


def test_a_face_on_both_sides_is_refused(generator, hats):
    with pytest.raises(UsageError, match="among both"):
        make_own(generator, hats[0], [*hats[1], hats[0][0]], name="both")


@pytest.mark.parametrize("name", ["", "x", "Bad", "../up", "a b", "smile", "identity", "ä" * 5])
def test_names_that_cannot_be_are_refused_before_any_work(generator, name):
    with pytest.raises(UsageError, match="name"):
        make_own(generator, [], [], name=name)


def test_a_dial_survives_its_file_and_equal_ones_have_equal_bytes(learned, folder):
    path = user_dials.save_own(learned, folder=folder)
    again = user_dials.load_own(path, space=BUNDLED_SPACE)
    assert np.array_equal(again.vector, learned.vector)
    assert user_dials.own_bytes(again) == user_dials.own_bytes(learned) == path.read_bytes()
    assert path.stat().st_size < 100_000


def test_a_dial_appears_moves_and_disappears_without_a_restart(generator, learned, folder):
    before = DialSet.load(folder=folder)
    assert DialSet.load(folder=folder) is before
    path = user_dials.save_own(learned, folder=folder)
    dials = DialSet.load(folder=folder)
    assert dials.names == (*before.names, "my_hat")
    assert dials.entry("my_hat").group == "Own"
    assert dials.table[-1].label == "My hat"
    base = generator.w_from_seed(900_001, 0.8)
    was = dials.read(base)
    now = dials.read(dials.apply(base, {"my_hat": 2.0}))
    assert now["my_hat"] - was["my_hat"] == pytest.approx(2.0, abs=0.01)
    assert now["hat"] > was["hat"] + 0.5
    assert DialSet.load(folder=folder, own=False).names == before.names
    user_dials.remove_own("my_hat", BUNDLED_SPACE, folder=folder)
    assert not path.exists()
    with pytest.raises(UnknownDialError):
        DialSet.load(folder=folder).spec("my_hat")


def test_other_dials_move_as_before_when_there_is_an_own_one(generator, learned, folder):
    base = generator.w_from_seed(900_002, 0.8)
    plain = DialSet.load(folder=folder).apply(base, {"age": 10.0, "smile": 1.0})
    user_dials.save_own(learned, folder=folder)
    beside = DialSet.load(folder=folder).apply(base, {"age": 10.0, "smile": 1.0})
    assert np.array_equal(plain, beside)


def test_own_and_named_dials_hold_each_other(generator, learned, folder):
    user_dials.save_own(learned, folder=folder)
    dials = DialSet.load(folder=folder)
    base = generator.w_from_seed(900_003, 0.8)
    was = dials.read(base)
    held = dials.read(dials.apply(base, {"my_hat": 2.0, "age": 0.0}))
    assert held["my_hat"] - was["my_hat"] == pytest.approx(2.0, abs=0.01)
    assert held["age"] - was["age"] == pytest.approx(0.0, abs=0.5)  # years
    locked = dials.read(dials.apply(base, {"age": 15.0, "my_hat": 0.0}))
    assert locked["my_hat"] - was["my_hat"] == pytest.approx(0.0, abs=0.01)
    assert locked["age"] - was["age"] == pytest.approx(15.0, abs=2.0)


def test_the_identity_can_be_held_while_an_own_dial_moves(generator, learned, folder):
    user_dials.save_own(learned, folder=folder)
    dials = DialSet.load(folder=folder)
    base = generator.w_from_seed(900_004, 0.8)
    loose = dials.apply(base, {"my_hat": 2.0})
    held = dials.apply(base, {"my_hat": 2.0, "identity": 0.0})
    assert person_moved(dials, base, held) < 0.8 * person_moved(dials, base, loose)
    moved = [dials.read(w)["my_hat"] - dials.read(base)["my_hat"] for w in (loose, held)]
    assert moved == pytest.approx([2.0, 2.0], abs=0.2)


def person_moved(dials, before, after):
    """How far the descriptor is predicted to move."""
    reading = dials._reading
    scores = reading.scores(reading.contributions(np.stack([before, after])))
    return float(np.linalg.norm((scores[1] - scores[0])[len(reading.names) :]))


def test_a_name_is_not_taken_twice_by_accident(learned, folder):
    user_dials.save_own(learned, folder=folder)
    with pytest.raises(UsageError, match="already"):
        user_dials.save_own(learned, folder=folder)
    user_dials.save_own(learned, folder=folder, replace_old=True)


def broken(learned, **changes):
    """A dial's file with parts replaced."""
    with np.load(io.BytesIO(user_dials.own_bytes(learned)), allow_pickle=False) as data:
        arrays = {key: data[key] for key in data.files}
    meta = json.loads(str(arrays["meta"]))
    for key, value in changes.items():
        if key in arrays:
            arrays[key] = value
        else:
            meta[key] = value
    if "meta" not in changes:
        arrays["meta"] = np.array(json.dumps(meta))
    return npz_bytes(arrays)


@pytest.mark.parametrize(
    "changes",
    [
        {"vector": np.zeros((18, 512), np.float32)},
        {"vector": np.full((18, 512), np.nan, np.float32)},
        {"vector": np.ones((1, 512), np.float32)},
        {"weights": np.ones((18, 512), np.int32)},
        {"meta": np.array("no json")},
        {"meta": np.array("[" * 5000)},
        {"format": 99},
        {"natural": [2, -2]},
        {"natural": [float("inf"), 3]},
        {"rows": [0, 99]},
        {"kind": "virus"},
        {"name": "../../etc"},
        {"name": "smile"},
        {"moves": {"age": "many"}},
        {"more": 1, "vector": np.ones((18, 513), np.float32)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_strange_files_are_refused_in_one_sentence_and_harm_no_other_dial(learned, folder, changes):
    good = user_dials.save_own(learned, folder=folder)
    bad = good.with_name("bad_one.npz")
    bad.write_bytes(broken(learned, **changes))
    with pytest.raises(BadFileError, match=r"^bad_one.npz is not used as a dial: ") as info:
        user_dials.load_own(bad)
    assert "\n" not in str(info.value)
    assert list(user_dials.list_own(BUNDLED_SPACE, folder=folder)) == ["my_hat"]
    assert list(user_dials.damaged_own(BUNDLED_SPACE, folder=folder)) == ["bad_one.npz"]
    assert DialSet.load(folder=folder).names[-1] == "my_hat"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"\x80\x04pickle", b"x" * 2_000_000])
def test_files_of_another_kind_are_refused(tmp_path, data):
    path = tmp_path / "thing.npz"
    path.write_bytes(data)
    with pytest.raises(BadFileError):
        user_dials.load_own(path)


def test_object_arrays_are_never_unpickled(learned, tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, vector=np.array([{"a": 1}], object), weights=learned.weights, meta="x")
    with pytest.raises(BadFileError, match="pickle"):
        user_dials.load_own(path)


def test_a_dial_of_another_space_is_refused(learned, folder):
    path = user_dials.save_own(learned, folder=folder)
    with pytest.raises(SpaceMismatchError, match="space"):
        user_dials.load_own(path, space="space-0123456789ab")


def test_a_folder_of_faces_gives_examples_and_pictures_without_latent_are_named(
    tmp_path, generator
):
    for seed in range(3):
        data = Face.from_seed(generator, seed)
        picture = np.zeros((16, 16, 3), np.uint8)
        data.save(tmp_path / f"{seed}.png", picture, npz=True)
    faces = own_dials.folder_latents(tmp_path, BUNDLED_SPACE)
    assert len(faces) == 3  # the npz twins are the same faces
    assert np.array_equal(faces[1], generator.w_from_seed(1, 0.7))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 photo")
    with pytest.raises(BadFileError, match="1 of 4 files .* hold no latent.*photo.jpg"):
        own_dials.folder_latents(tmp_path, BUNDLED_SPACE)
    with pytest.raises(BadFileError, match="cannot be opened"):
        own_dials.folder_latents(tmp_path / "none", BUNDLED_SPACE)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["make", "--name", "smile", "--with", "1", "--without", "2"], "program's own"),
        (["make", "--name", "ok_name", "--with", "a", "--without", "2"], "not a seed"),
        (["make", "--name", "ok_name", "--rows", "8:2"], "0:8"),
        (["remove", "nothing_here"], "No dial of yours"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, says):
    result = CliRunner().invoke(cli, ["directions", *arguments])
    assert result.exit_code in (1, 2)
    assert says in result.output
    assert "Traceback" not in result.output
