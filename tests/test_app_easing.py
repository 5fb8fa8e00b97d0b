"""Links, presets and files that ask for absurd things open a face and say what was eased."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fakes import TABLE, FakeDials, FakeGenerator
from test_app import dials, fake, frame, link, start  # noqa: F401

from facegen.face import Face
from facegen.operations import DialMove
from facegen.session.easing import NAMED, eased_face, eased_link
from facegen.ui.components import messages


def said(at) -> str:
    return at.info[0].value if at.info else ""


def test_a_link_that_asks_for_too_much_opens_and_says_what_was_eased(fake):  # noqa: F811
    at = start(seed="7", age="900", psi="40", smile="0.5")
    assert not at.exception
    assert not at.error
    end = dials(at)["age"]["limits"][1]
    assert dials(at)["age"]["now"] <= end + 0.5
    assert f"Age was eased to {end:.3g} years" in said(at)
    assert "How unusual was eased to 1.2" in said(at)
    assert "Smile" not in said(at)
    assert float(link(at)["smile"]) == 0.5
    at.run()
    assert not said(at)  # Once is enough.
    assert not said(start(**link(at)))  # What was eased is a link like any other.


def test_a_file_that_asks_for_too_much_opens_and_says_what_was_eased(fake):  # noqa: F811
    generator = FakeGenerator()
    known = FakeDials(generator)
    face = Face.from_seed(generator, 5)
    far = known.apply(face.base, {"age": 500.0})
    monster = replace(face, w_plus=far, operations=(DialMove("age", 500.0),))
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("monster.npz", monster.to_npz()).run()
    assert not at.exception
    assert not at.error
    assert "Age was eased to" in said(at)
    assert dials(at)["age"]["now"] <= dials(at)["age"]["limits"][1] + 0.5


def test_a_latent_far_from_all_faces_comes_nearer_to_the_average(fake):  # noqa: F811
    generator = FakeGenerator()
    latent = generator.w_avg + 50 * (generator.w_from_seed(5) - generator.w_avg)
    at = start(seed="417")
    data = Face.from_w_plus(latent.astype(np.float32)).to_npz()
    at.file_uploader(key="fg_open_0").upload("far.npz", data).run()
    assert not at.exception
    assert not at.error
    assert "nearer to the average" in said(at)
    assert frame(at)[0]["natural"]["word"] != "At the edge of what the network knows"


def test_somebody_beyond_the_ends_by_nature_stays_so_and_what_is_named_is_not_endless():
    generator = FakeGenerator()
    known = FakeDials(generator)
    base = known.apply(generator.w_from_seed(5), {"age": 75.0})
    own, end = known.read(base)["age"], known.spec("age").safe[1]
    assert own > end + 2 * known.spec("age").unit_per_sd
    link, sentence = eased_link({"seed": "5", "age": "-1"}, known, base, TABLE)
    assert link["age"] == "-1"
    assert not sentence
    link, sentence = eased_link({"seed": "5", "age": "500"}, known, base, TABLE)
    assert float(link["age"]) == 0  # As far as they are already.
    assert "Age was eased" in sentence
    link, sentence = eased_link(dict.fromkeys(known.names, "400"), known, base, TABLE)
    assert f"and {len(TABLE) - NAMED} more" in sentence
    for name in known.names:
        value = known.read(base)[name] + float(link[name])
        assert value <= max(known.spec(name).safe[1], known.read(base)[name]) + 1e-2


def test_a_truncation_below_zero_is_eased_too(fake):  # noqa: F811
    assert "How unusual was eased to 0" in said(start(seed="7", psi="-3"))


def test_a_latent_from_afar_keeps_as_much_of_itself_as_a_face_can(fake):  # noqa: F811
    generator = FakeGenerator()
    known = FakeDials(generator)
    far = generator.w_avg + 50 * (generator.w_from_seed(5) - generator.w_avg)
    face = Face.from_w_plus(far.astype(np.float32))
    near, sentence = eased_face(face, known, generator.w_avg, TABLE)
    assert sentence
    assert np.array_equal(near.base, near.w_plus)
    assert known.naturalness(near.w_plus) >= 2
    further = generator.w_avg + 1.1 * (near.w_plus - generator.w_avg)
    assert known.naturalness(further) < 2


def test_zeros_open_as_the_average_face_with_a_sentence(fake):  # noqa: F811
    at = start(seed="417")
    data = Face.from_w_plus(np.zeros((18, 512), np.float32)).to_npz()
    at.file_uploader(key="fg_open_0").upload("zeros.npz", data).run()
    assert not at.exception
    assert not at.error
    assert "All numbers of this latent are alike" in said(at)
    assert abs(dials(at)["smile"]["now"]) < 1e-3


def test_a_preset_file_that_asks_for_too_much_is_eased(fake):  # noqa: F811
    at = start(seed="417")
    data = b'{"facegen_presets": 1, "presets": [{"name": "Old", "targets": {"age": 6000}}]}'
    at.file_uploader(key="fg_open_0").upload("old.json", data).run()
    assert "now among the presets" in said(at)
    assert messages.plain("(eased: Age)") in said(at)
