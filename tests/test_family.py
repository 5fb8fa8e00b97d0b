"""Faces out of faces: averages, children, variants, similar people, and the map of many."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from fakes import FakeGenerator

from facegen.cli import cli
from facegen.directions.natural import Natural, bent, read_natural
from facegen.directions.regressor import read_regressor
from facegen.editing.locks import IDENTITY
from facegen.errors import LatentError, SpaceMismatchError, UnknownDialError, UsageError
from facegen.explore.crowd_map import crowd_map
from facegen.explore.family import average, children
from facegen.explore.mixing import mixer_of
from facegen.explore.screening import Readings, Screener
from facegen.explore.similar import TRIES, similar
from facegen.explore.variants import named_dials, variants
from facegen.face import Face
from facegen.latents import BUNDLED_SPACE, NUM_WS, broadcast_w
from facegen.measure.measurer import SAME_PERSON, Measurement, load_measurer
from facegen.operations import DialMove, MovePicture
from facegen.service.crowds import Member
from facegen.service.standing import Standings

ROLLED = MovePicture(roll=5.0)


class Natives:
    """Makes people as the bundled network does, without its weights: natural latents."""

    model, space = "natives", BUNDLED_SPACE

    @cached_property
    def natural(self) -> Natural:
        return read_natural(BUNDLED_SPACE, read_regressor(BUNDLED_SPACE))

    @cached_property
    def w_avg(self) -> np.ndarray:
        return bent(self.natural.mean)

    def map(self, z: np.ndarray) -> np.ndarray:
        return bent((self.natural.mean + z @ self.natural.axes.T).astype(np.float32))

    def w_from_seed(self, seed: int, psi: float = 0.7) -> np.ndarray:
        z = np.random.RandomState(seed).randn(1, 512).astype(np.float32)
        return broadcast_w(self.map(np.float32(psi) * z))[0]


@pytest.fixture(scope="module")
def natives() -> Natives:
    return Natives()


def people(natives, count, first=0):
    return [Face.from_seed(natives, seed, 0.8) for seed in range(first, first + count)]


def of_a_kind(natives, dials, is_one, count):
    found = (Face.from_seed(natives, seed, 0.8) for seed in range(5000))
    return list(islice((face for face in found if is_one(dials.read(face.w_plus))), count))


def reach(natives, face) -> float:
    """How far from the middle."""
    return float(np.linalg.norm(natives.natural.whitened(face.w_plus), axis=1).mean())


def likeness(natives, a, b) -> float:
    """The cosine of two faces where faces lie round."""
    v, w = (natives.natural.whitened(face.w_plus).ravel() for face in (a, b))
    return float(v @ w / np.linalg.norm(v) / np.linalg.norm(w))


# --- averages --------------------------------------------------------------------------------


def test_ten_people_between_them_are_as_distinct_as_they_are(natives):
    ten = people(natives, 10)
    usual = np.mean([reach(natives, face) for face in ten])
    assert reach(natives, average(ten, generator=natives)) == pytest.approx(usual, rel=0.1)
    assert reach(natives, average(ten, generator=natives, plain=True)) < 0.8 * usual


@pytest.mark.parametrize("count", [2, 3, 10])
def test_an_average_is_like_each_parent_and_natural(natives, dials, count):
    parents, strangers = people(natives, count), people(natives, 20, first=1000)
    between = average(parents, generator=natives)
    alike = [likeness(natives, between, face) for face in parents]
    others = [likeness(natives, between, face) for face in strangers]
    assert min(alike) > np.mean(others) + 2 * np.std(others) / np.sqrt(count)
    assert np.mean(alike) > max(others)
    assert dials.naturalness(between.w_plus) > 90


@pytest.mark.long
def test_what_ten_people_share_is_not_exaggerated(natives, dials):
    women = of_a_kind(natives, dials, lambda r: r["gender"] < -0.5 and r["age"] > 45, 10)
    assert len(women) == 10
    ages = [dials.read(face.w_plus)["age"] for face in women]
    aged = dials.read(average(women, generator=natives).w_plus)["age"]
    assert np.mean(ages) - 5 < aged < np.mean(ages) + np.std(ages) + 3
    latents = np.stack([face.w_plus for face in women])
    free = mixer_of(natives).mix(latents, np.full((10, NUM_WS), 0.1))
    assert dials.read(free)["age"] > aged + 8  # without limits they would have become old


def test_readings_of_an_average_lie_between_those_of_two_parents(natives, dials):
    a, b = people(natives, 2, first=40)
    low, high = dials.read(a.w_plus), dials.read(b.w_plus)
    for dial, value in dials.read(average([a, b], generator=natives).w_plus).items():
        room = 0.3 * dials.spec(dial).unit_per_sd
        assert min(low[dial], high[dial]) - room <= value <= max(low[dial], high[dial]) + room


def test_weights_pull_toward_a_face_whatever_their_scale(natives):
    a, b = people(natives, 2)
    even, mostly_a = (average([a, b], w, generator=natives) for w in ([1, 1], [5, 1]))
    assert likeness(natives, mostly_a, a) > likeness(natives, even, a) + 0.1
    scaled = average([a, b], [5e200, 1e200], generator=natives)
    assert np.allclose(scaled.w_plus, mostly_a.w_plus, atol=1e-4)
    assert np.array_equal(even.w_plus, average([a, b], generator=natives).w_plus)


def test_the_order_of_parents_does_not_matter(natives):
    some = people(natives, 4)
    turned = average(some[::-1], [4, 3, 2, 1], generator=natives)
    assert np.allclose(turned.w_plus, average(some, [1, 2, 3, 4], generator=natives).w_plus,
                       atol=1e-3)  # fmt: skip


def test_opposites_have_a_natural_face_between_them(natives, dials):
    (a,) = people(natives, 1)
    v = natives.natural.whitened(a.w_plus)
    opposite = bent((natives.natural.mean - v @ natives.natural.axes.T).astype(np.float32))
    between = average([a, Face.from_w_plus(opposite)], generator=natives)
    assert np.isfinite(between.w_plus).all()
    assert dials.naturalness(between.w_plus) > 50


def test_a_photograph_far_from_all_faces_is_made_no_stranger(natives):
    a, b = people(natives, 2)
    noise = np.random.RandomState(0).randn(NUM_WS, 512)
    photograph = Face.from_w_plus(a.w_plus + 0.5 * noise)
    assert reach(natives, photograph) > 2 * reach(natives, a)
    for made in (average([photograph, b], generator=natives),
                 *children(photograph, b, generator=natives, count=4)):  # fmt: skip
        assert reach(natives, made) < reach(natives, photograph)


@pytest.mark.parametrize("number", [1e3, -1e3, 1e6, 0.0])
def test_absurd_latents_end_in_a_face_or_a_sentence(natives, number):
    absurd = Face.from_w_plus(np.full((NUM_WS, 512), number, np.float32))
    (b,) = people(natives, 1)
    for make in (lambda: average([absurd, b], generator=natives),
                 lambda: children(absurd, b, generator=natives, count=1)[0]):  # fmt: skip
        with suppress(LatentError):
            assert np.isfinite(make().w_plus).all()


def test_a_result_is_a_face_of_its_own(natives):
    a, b = people(natives, 2)
    edited = replace(a, w_plus=b.w_plus, operations=(DialMove("smile", 1.0), ROLLED), weights="x",
                     name="Ann")  # fmt: skip
    for made in (average([edited, a], generator=natives),
                 children(edited, a, generator=natives, count=1)[0]):  # fmt: skip
        assert made.operations == ()
        assert made.weights is None
        assert made.seed is None
        assert made.psi is None
        assert np.array_equal(made.base, made.w_plus)
        assert made.space == natives.space
        assert made.model == natives.model
        assert "Ann" in made.name
        assert "seed 0" in made.name


def test_names_of_many_parents_stay_short(natives):
    called = [replace(face, name=f"P{k}") for k, face in enumerate(people(natives, 6))]
    assert average(called, generator=natives).name == "P0 + P1 + P2 + 3 more"
    assert average(called, generator=natives, name="Eve").name == "Eve"


@pytest.mark.parametrize(
    ("weights", "words"),
    [([1], "2 weights"), ([1, 1, 1], "2 weights"), ([], "2 weights"), ([1, 0], "above 0"),
     ([1, -1], "above 0"), ([1, float("nan")], "finite"), ([float("inf"), 1], "finite")],
)  # fmt: skip
def test_weights_that_are_none_are_refused(natives, weights, words):
    with pytest.raises(UsageError, match=words):
        average(people(natives, 2), weights, generator=natives)


def test_one_face_and_the_same_face_twice_are_refused(natives):
    a, b = people(natives, 2)
    for some in ([], [a]):
        with pytest.raises(UsageError, match="Two to 1000 faces"):
            average(some, generator=natives)
    with pytest.raises(UsageError, match="same face"):
        average([a, a], generator=natives)
    with pytest.raises(UsageError, match="same face"):
        children(a, Face.from_w_plus(a.w_plus), generator=natives)
    average([a, a, b], generator=natives)  # one face that counts twice is a weight


def test_faces_of_several_spaces_are_refused_and_named(natives):
    a, b = people(natives, 2)
    other = replace(b, space="space-0123456789ab", name="Zoe")
    with pytest.raises(SpaceMismatchError, match="Zoe in 'space-0123456789ab'"):
        average([a, other], generator=natives)
    with pytest.raises(SpaceMismatchError, match="was made in"):
        average([other, replace(other, w_plus=a.w_plus)], generator=natives)


@pytest.mark.long
def test_a_space_without_dials_is_mixed_by_its_mapping_network():
    generator = FakeGenerator()
    generator.space = "space-0123456789ab"
    a, b = (Face.from_seed(generator, seed) for seed in (1, 2))
    between = average([a, b], generator=generator)
    natural = mixer_of(generator).natural
    assert mixer_of(generator).named.names == ()
    near = np.linalg.norm(natural.whitened(between.w_plus))
    assert near == pytest.approx(np.linalg.norm(natural.whitened(a.w_plus)), rel=0.25)
    assert len(children(a, b, generator=generator, count=3)) == 3


# --- children --------------------------------------------------------------------------------


def test_children_are_the_same_again_and_each_different(natives):
    a, b = people(natives, 2)
    kin = children(a, b, generator=natives, count=6, seed=4)
    again = children(a, b, generator=natives, count=3, seed=4)
    assert all(np.array_equal(x.w_plus, y.w_plus) for x, y in zip(kin, again, strict=False))
    other = children(a, b, generator=natives, count=1, seed=5)
    assert len({face.w_plus.tobytes() for face in (*kin, *other, a, b)}) == 9


def test_children_take_after_both_parents_and_are_natural(natives, dials):
    a, b = people(natives, 2)
    kin = children(a, b, generator=natives, count=30)
    strangers = [likeness(natives, x, face) for face in people(natives, 30, 100) for x in (a, b)]
    for parent in (a, b):
        alike = [likeness(natives, child, parent) for child in kin]
        assert np.mean(alike) > np.mean(strangers) + 0.3
        assert max(alike) < 0.97  # nobody is a parent again
    assert min(dials.naturalness(child.w_plus) for child in kin) > 80


def test_without_variation_every_row_lies_between_the_parents(natives):
    a, b = people(natives, 2)
    child = children(a, b, generator=natives, count=1, variation=0)[0]
    v, first, second = (natives.natural.whitened(f.w_plus) for f in (child, a, b))
    plane = np.linalg.qr(np.stack([first[0], second[0]]).T)[0]
    outside = v - v @ plane @ plane.T
    assert np.linalg.norm(outside) < 0.5 * np.linalg.norm(v)  # but for the readings' limits
    varied = children(a, b, generator=natives, count=1, variation=1)[0]
    w = natives.natural.whitened(varied.w_plus)
    assert np.linalg.norm(w @ plane) < 0.3 * np.linalg.norm(w)


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"count": 1001}, {"seed": -1}, {"seed": 2**32}, {"variation": -0.1},
              {"variation": 1.1}, {"variation": float("nan")}],
)  # fmt: skip
def test_numbers_out_of_range_make_no_children(natives, wrong):
    with pytest.raises(UsageError, match="got"):
        children(*people(natives, 2), generator=natives, **wrong)


# --- variants --------------------------------------------------------------------------------


def test_one_dial_moves_in_even_steps_and_can_be_taken_back(natives, dials):
    (face,) = people(natives, 1)
    some = variants(face, dials, ["smile"], generator=natives, strength=1.0, count=6)
    own = dials.read(face.w_plus)["smile"]
    moved = [dials.read(one.w_plus)["smile"] - own for one in some]
    assert np.allclose(moved, [-1, -2 / 3, -1 / 3, 1 / 3, 2 / 3, 1], atol=0.15)
    for one in some:
        assert np.array_equal(one.base, face.base)
        assert one.seed == face.seed
        assert [edit.dial for edit in one.edits] == ["smile"]


@pytest.mark.long
def test_several_dials_move_as_far_as_asked_and_differently(natives, dials):
    (face,) = people(natives, 1, first=3)
    names = named_dials(["hair"], dials)
    assert "hair_length" in names
    assert "curls" in names
    assert "age" not in names
    some = variants(face, dials, ["hair"], generator=natives, strength=0.8, count=4)
    steps = np.array([
        [edit.delta / dials.spec(edit.dial).unit_per_sd for edit in one.edits] for one in some
    ])  # fmt: skip
    assert steps.shape == (4, len(names))
    assert np.sqrt(np.square(steps).mean(axis=1)) == pytest.approx(0.8, abs=0.15)
    assert len({one.w_plus.tobytes() for one in some}) == 4
    again = variants(face, dials, ["hair"], generator=natives, strength=0.8, count=4)
    assert np.array_equal(some[3].w_plus, again[3].w_plus)


def test_what_is_held_stays_beside_variants(natives, dials):
    (face,) = people(natives, 1, first=5)
    held = variants(face, dials, ["hair"], generator=natives, strength=1.0, count=3,
                    hold=["age", IDENTITY])  # fmt: skip
    own = dials.read(face.w_plus)["age"]
    for one in held:
        assert dials.read(one.w_plus)["age"] == pytest.approx(own, abs=1.5)
        assert {"age", IDENTITY} <= {edit.dial for edit in one.edits if not edit.delta}


def test_all_dials_but_those_held_move_where_none_is_named(natives, dials):
    (face,) = people(natives, 1)
    one = variants(face, dials, generator=natives, strength=0.3, count=1, hold=["age"])[0]
    moved = {edit.dial for edit in one.edits if edit.delta}
    assert "age" not in moved
    assert len(moved) == len(dials.names) - 1


def test_variants_refuse_what_they_cannot_do(natives, dials):
    (face,) = people(natives, 1)
    with pytest.raises(UnknownDialError, match="smile"):
        variants(face, dials, ["smil"], generator=natives)
    with pytest.raises(UsageError, match="moved and held"):
        variants(face, dials, ["smile"], generator=natives, hold=["smile"])
    for wrong in ({"strength": 0}, {"strength": float("nan")}, {"strength": 9}, {"count": 0},
                  {"seed": -1}):  # fmt: skip
        with pytest.raises(UsageError, match="got"):
            variants(face, dials, ["smile"], generator=natives, **wrong)
    with pytest.raises(SpaceMismatchError):
        variants(replace(face, space="space-x"), dials, ["smile"], generator=natives)


# --- similar people --------------------------------------------------------------------------


class Painter(Natives):
    """Draws people as pictures that say who they are, and measures those."""

    img_resolution = preview_size = 64

    def __init__(self, dials, *, spread: float = 1.5) -> None:
        self.dials, self.spread, self.drawn = dials, spread, []
        self.faceless: set[bytes] = set()
        self.otherwise: dict[bytes, dict[str, float]] = {}

    def render(self, w_plus, *, size=None):
        self.drawn.append(np.array(w_plus))
        return np.full((8, 8, 3), len(self.drawn) - 1, np.uint8)

    preview = render

    def measure(self, image, *, details=True):
        w_plus = self.drawn[int(image[0, 0, 0])]
        if w_plus.tobytes() in self.faceless:
            return None
        reading = self.dials.regressor
        scores = reading.scores(reading.contributions(w_plus[None]))[0]
        values = scores * reading.spread + reading.mean
        names = dict(zip(reading.names, values.tolist(), strict=False))
        names |= self.otherwise.get(w_plus.tobytes(), {})
        # Pictures lie further apart than predictions.
        return Measurement(names, np.zeros((68, 2)), self.spread * values[len(names) :])


@pytest.fixture(scope="module")
def crowd(natives, dials) -> list[Readings]:
    """3000 people in two parts."""
    screener = Screener(natives, dials, psi=0.7)
    w = np.stack([natives.w_from_seed(seed)[0] for seed in range(3000)])
    scores = screener.scores(w)
    return [
        screener.readings(np.arange(first, first + 1500), scores[first : first + 1500])
        for first in (0, 1500)
    ]


def ask(painter, face, keep, **more):
    return list(
        similar(face, keep, generator=painter, dials=painter.dials, measurer=painter, **more)
    )


@pytest.mark.long
def test_the_same_person_comes_with_other_hair_and_is_confirmed(dials):
    painter = Painter(dials, spread=2.5)
    face = painter_face(painter, 3)
    found = ask(painter, face, "person", count=3)
    assert len(found) == 3
    assert len(painter.drawn) > 1 + 3  # some had become somebody else
    for one in found:
        assert 0 < one.distance < SAME_PERSON
        assert one.face.seed == face.seed
        assert np.array_equal(one.face.base, face.base)
        assert "hair_length" in {edit.dial for edit in one.face.edits}
        assert one.measurement is not None
        assert one.image.dtype == np.uint8


def test_others_of_the_type_are_other_people_of_the_same_readings(dials, crowd):
    painter = Painter(dials, spread=1.3)
    face = painter_face(painter, 3)
    own = dials.read(face.w_plus)
    found = ask(painter, face, "type", count=3, people=crowd)
    assert 1 <= len(found) <= 3
    for one in found:
        assert one.distance >= SAME_PERSON
        assert one.face.seed != 3
        read = dials.read(one.face.w_plus)
        assert abs(read["age"] - own["age"]) < 15
        assert (read["gender"] < 0) == (own["gender"] < 0)


@pytest.mark.parametrize("shown", [{"age": 70.0}, {"glasses": 1.0}])
def test_who_is_of_another_type_on_the_picture_is_not_shown(dials, crowd, shown):
    painter = Painter(dials, spread=1.3)
    face = painter_face(painter, 3)
    first = ask(painter, face, "type", count=1, people=crowd)[0].face
    painter.otherwise[first.w_plus.tobytes()] = shown
    then = ask(painter, face, "type", count=1, people=crowd)
    assert first.seed not in {one.face.seed for one in then}
    assert then, "others of the type are still found"


def test_where_all_of_a_type_are_the_same_person_nobody_is_shown(dials, crowd):
    painter = Painter(dials, spread=1.0)
    assert ask(painter, painter_face(painter, 3), "type", count=3, people=crowd) == []
    assert len(painter.drawn) == 1 + 3 * TRIES  # it gives up


def test_those_who_look_alike_are_nearer_than_others_the_nearest_first(dials, crowd):
    painter = Painter(dials)
    face = painter_face(painter, 3)
    found = ask(painter, face, "look", count=5, people=crowd)
    distances = [one.distance for one in found]
    assert distances == sorted(distances)
    assert len(found) == 5
    assert 3 not in {one.face.seed for one in found}  # the face itself is not like itself
    random = [painter.measure(painter.render(painter.w_from_seed(k))) for k in range(50, 80)]
    own = painter.measure(painter.render(face.w_plus))
    assert max(distances) < np.median([one.distance(own) for one in random])


def test_nobody_is_shown_on_whose_picture_no_face_is_seen(dials, crowd):
    painter = Painter(dials)
    face = painter_face(painter, 3)
    first = ask(painter, face, "look", count=1, people=crowd)[0].face
    painter.faceless.add(first.w_plus.tobytes())
    then = ask(painter, face, "look", count=1, people=crowd)[0].face
    assert then.seed != first.seed
    painter.faceless.add(face.w_plus.tobytes())
    with pytest.raises(UsageError, match="No face is seen"):
        ask(painter, face, "look", people=crowd)


def test_similar_says_what_is_missing(dials, crowd):
    painter = Painter(dials)
    face = painter_face(painter, 3)
    with pytest.raises(UsageError, match="nobody to choose from"):
        ask(painter, face, "look")
    with pytest.raises(UsageError, match="person, type, look"):
        ask(painter, face, "hair", people=crowd)
    assert ask(painter, face, "type", people=[crowd[0].take([3])]) == []  # nobody else is there
    with pytest.raises(UsageError, match="1 to 1000"):
        ask(painter, face, "look", people=crowd, count=0)
    with pytest.raises(SpaceMismatchError):
        ask(painter, replace(face, space="space-x"), "look", people=crowd)


def painter_face(painter, seed):
    return Face.from_seed(painter, seed, 0.7)


# --- the map ---------------------------------------------------------------------------------


def test_a_map_lays_out_everybody_and_tells_what_its_axes_mean(dials, crowd):
    found = crowd_map(crowd, dials)
    assert found.points.shape == (3000, 2)
    assert found.seeds.tolist() == list(range(3000))
    assert np.allclose(found.points.std(axis=0), 1, atol=0.01)
    for axis, column in ((found.x, 0), (found.y, 1)):
        assert axis.low
        assert len(axis.low) == len(axis.high)
        clearest, strength = next(iter(axis.correlations.items()))
        values = np.concatenate([part.of(clearest) for part in crowd])
        told = np.corrcoef(values, found.points[:, column])[0, 1]
        assert told == pytest.approx(strength, abs=0.02)
        assert strength > 0.5
    assert found.x.share >= found.y.share > 0
    assert np.array_equal(crowd_map(crowd, dials).points, found.points)
    columns = [crowd[0].names.index(name) for name in found.names]
    placed = found.place(crowd[0].values[:, columns])
    assert np.allclose(placed, found.points[: len(crowd[0])], atol=1e-3)


def test_every_crowd_is_put_into_one_map(natives, dials, crowd):
    screener = Screener(natives, dials, psi=0.7)
    bank = SimpleNamespace(block=lambda index: crowd[index], screener=screener)
    standings = Standings(bank, dials)
    faces = [Face.from_seed(natives, seed, 0.7) for seed in range(20)]
    standing = standings.members([Member(face) for face in faces])
    assert np.allclose(standing.points, crowd_map(crowd[:1], dials).points[:20], atol=0.02)
    assert standing.values["age"] == pytest.approx(crowd[0].of("age")[:20], abs=0.2)
    assert len(standings.others()) == 600
    own = dict.fromkeys(("my_dial", *dials.names), 1.0)
    mixed = [Member(faces[0], values=own), Member(faces[1])]
    assert set(standings.members(mixed).values) == set(dials.names)
    older = Member(faces[0], values={**dials.read(faces[0].w_plus), "age": 77.0})
    assert standings.members([older]).values["age"] == [77.0]
    assert len(standings.members([])) == 0


def test_a_map_of_nobody_is_refused(dials, crowd):
    for some in ([], [crowd[0].take(range(10))]):
        with pytest.raises(UsageError, match="at least 50"):
            crowd_map(some, dials)


# --- the terminal ----------------------------------------------------------------------------


def run(*args, code=0):
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def files(natives, tmp_path):
    paths = []
    for seed in (1, 2):
        face = Face.from_seed(natives, seed)
        paths.append(tmp_path / f"p{seed}.png")
        face.save(paths[-1], np.full((16, 16, 3), seed, np.uint8))
    return paths


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["combine", "{a}", "--out", "{out}"], 1, "Two to 1000 faces"),
        (["combine", "{a}", "{a}", "--out", "{out}"], 1, "the same face"),
        (["combine", "{a}", "nobody.png", "--out", "{out}"], 1, "cannot be opened"),
        (["combine", "{a}", "{b}", "--weights", "1", "--out", "{out}"], 1, "2 weights"),
        (["combine", "{a}", "{b}", "--weights", "1,0", "--out", "{out}"], 1, "above 0"),
        (["combine", "{a}", "{b}", "--weights", "1,nan", "--out", "{out}"], 1, "finite"),
        (["combine", "{a}", "{b}", "--weights", "one,two", "--out", "{out}"], 2, "not weights"),
        (["combine", "{a}", "{b}", "--out", "{b}"], 1, "written over"),
        (["combine", "{a}", "{photo}", "--out", "{out}"], 1, "without a latent"),
        (["combine", "{a}", "{other}", "--out", "{out}"], 1, "other in 'space-0123456789ab'"),
        (["children", "{a}", "{a}", "--out", "{folder}"], 1, "the same face"),
        (["children", "{a}", "{b}", "--count", "0", "--out", "{folder}"], 2, "--count"),
        (["children", "{child}", "{b}", "--out", "{kin}"], 1, "written over"),
        (["similar", "{a}", "--keep", "hair", "--out", "{folder}"], 2, "--keep"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    natives, files, tmp_path, arguments, code, words
):
    from PIL import Image

    (tmp_path / "kin").mkdir()
    names = {"a": files[0], "b": files[1], "out": tmp_path / "out.png", "kin": tmp_path / "kin",
             "folder": tmp_path / "folder", "photo": tmp_path / "photo.jpg",
             "other": tmp_path / "other.png",
             "child": tmp_path / "kin" / "child01.png"}  # fmt: skip
    Image.new("RGB", (64, 64)).save(names["photo"])
    names["child"].write_bytes(files[0].read_bytes())
    other = replace(Face.from_seed(natives, 9), space="space-0123456789ab")
    other.save(names["other"], np.zeros((16, 16, 3), np.uint8))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    result = run(*(part.format(**names) for part in arguments), code=code)
    assert words in result.output
    assert "Traceback" not in result.output
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before
    assert not names["folder"].exists()


def test_combine_and_children_in_a_terminal(generator, tmp_path):
    parents = []
    for seed in (1, 3):
        face = Face.from_seed(generator, seed)
        if seed == 1:
            face = face.finished((ROLLED,))
        parents.append(tmp_path / f"p{seed}.png")
        face.save(parents[-1], generator.render(face.w_plus))
    result = run("combine", *parents, "--weights", "1,2", "--out", tmp_path / "between.png")
    assert "not passed on" in result.output
    assert "roll +5°" in result.output
    between = Face.load(tmp_path / "between.png")
    assert between.name == "p1 + p3"
    assert between.operations == ()
    opened = [Face.load(path) for path in parents]
    expected = average(opened, [1, 2], generator=generator)
    assert np.allclose(between.w_plus, expected.w_plus, atol=1e-4)
    run("children", *parents, "--count", "2", "--out", tmp_path / "kin", "--json")
    kin = sorted((tmp_path / "kin").iterdir())
    assert [path.name for path in kin] == ["child01.png", "child02.png"]
    assert not np.array_equal(Face.load(kin[0]).w_plus, Face.load(kin[1]).w_plus)


def test_variants_and_similar_people_in_a_terminal(generator, tmp_path):
    face = Face.from_seed(generator, 3)
    path = tmp_path / "face.png"
    face.save(path, generator.render(face.w_plus))
    run("variants", path, "--dials", "age", "--strength", "1", "--count", "2", "--out", tmp_path)
    young, old = (Face.load(tmp_path / f"variant0{k}.png") for k in (1, 2))
    assert young.edits[0].delta < 0 < old.edits[0].delta
    result = run("similar", path, "--keep", "person", "--count", "1", "--out", tmp_path, "--json")
    assert "person01.png" in result.output
    one = Face.load(tmp_path / "person01.png")
    pictures = [generator.render(f.w_plus, size=512) for f in (face, one)]
    a, b = (load_measurer().measure(picture, details=False) for picture in pictures)
    assert a.distance(b) < SAME_PERSON


def test_on_pictures_results_are_faces_and_nearer_to_their_parents_than_strangers(generator):
    a, b, *ten = (Face.from_seed(generator, seed) for seed in (1, 3, *range(20, 28)))
    made = [average([a, b], generator=generator), average([a, b, *ten], generator=generator),
            *children(a, b, generator=generator, count=3)]  # fmt: skip
    measurer = load_measurer()
    seen = [
        measurer.measure(generator.render(face.w_plus, size=512), details=False)
        for face in (a, b, *ten, *made)
    ]
    assert all(one is not None for one in seen)
    parents, strangers, results = seen[:2], seen[2:10], seen[10:]
    usual = np.median([p.distance(other) for p in parents for other in strangers])
    for one in (results[0], *results[2:]):
        assert np.mean([one.distance(parent) for parent in parents]) < usual
