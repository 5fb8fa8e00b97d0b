"""Choosing the network that draws: defaults, switching, and networks without dials."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import FakeDials, FakeGenerator, fake_parts
from streamlit.testing.v1 import AppTest
from stylegan2_files import NAME, write_model

from facegen.latents import BUNDLED_SPACE
from facegen.service import loading
from facegen.ui import browser_state, main, shared, state_keys

PICKER = "from facegen.ui.components import model_picker\nmodel_picker.choice()\n"
SCRIPT = "from facegen.ui import main\nmain.main()\n"


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path))
    monkeypatch.delenv("FACEGEN_MODEL", raising=False)
    return tmp_path


def test_the_bundled_network_is_the_default(weights):
    write_model(weights, name="my-ffhq", space=BUNDLED_SPACE)
    assert loading.default_model() == loading.MODEL


def test_with_a_gpu_a_face_network_at_full_size_in_the_same_space_is(weights, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    write_model(weights, name="small", space=BUNDLED_SPACE)
    assert loading.default_model() == loading.MODEL  # 64 px
    monkeypatch.setattr(loading, "FULL_PX", 64)
    write_model(weights, name="other", space="space-other")
    write_model(weights, name="a-car", space=BUNDLED_SPACE, is_face=False, why_not_face="Cars.")
    assert loading.default_model() == "small"
    monkeypatch.setenv("FACEGEN_MODEL", "other")
    assert loading.default_model() == "other"


@pytest.mark.long
def test_a_network_without_dials_loads_and_says_why(weights):
    write_model(weights)
    generator, dials, table = loading.load_parts(lambda *_: None, NAME)
    reason = loading.why_no_dials(generator)
    assert reason.startswith("The dials are off: they were learned in the latent space")
    assert table == dials.names == ()
    w_plus = generator.w_from_seed(1)
    assert np.array_equal(dials.apply(w_plus, {}), w_plus)
    write_model(weights, name="cars", is_face=False, why_not_face="It draws cars.")
    cars = loading.load_parts(lambda *_: None, "cars")[0]
    assert loading.why_no_dials(cars) == "The dials are off: it draws cars."


class OtherGenerator(FakeGenerator):
    model = "other-1024"


class FarGenerator(FakeGenerator):
    model = "far-1024"
    space = "space-far"


def parts(progress, model=None):
    if model == "far":
        return FarGenerator(), loading.NoDials(), ()
    if model == "other":
        generator = OtherGenerator()
        return generator, FakeDials(generator), fake_parts()[2]
    return fake_parts(progress)


@pytest.fixture
def app(monkeypatch):
    shared.loader.clear()
    monkeypatch.setattr(loading, "load_parts", parts)
    monkeypatch.setattr(main, "QUICK_START_SECONDS", 120)
    monkeypatch.setattr(browser_state, "_refresh_dials", lambda *_: None)
    titles = {"fake": "Bundled", "other": "Official", "far": "Another space"}
    monkeypatch.setattr(loading, "usable_models", lambda: titles)
    test = AppTest.from_string(SCRIPT, default_timeout=120)
    test.query_params["seed"] = "7"
    yield test
    shared.loader.clear()


def studio_of(app):
    return app.session_state[state_keys.SESSION]


def test_switching_the_network_keeps_the_person_in_the_same_space(app):
    app.run()
    before = studio_of(app)
    w_plus = before.w_plus(before.state)
    app.session_state[state_keys.MODEL] = "other"
    app.run()
    assert not app.exception
    assert studio_of(app) is before
    assert np.array_equal(before.w_plus(before.state), w_plus)
    assert shared.loader("other").backend.generator.model == "other-1024"


def test_another_space_brings_somebody_new_and_says_why(app):
    app.run()
    before = studio_of(app)
    app.session_state[state_keys.MODEL] = "far"
    app.run()
    app.run()
    assert not app.exception
    assert studio_of(app) is not before
    assert any("The dials are off" in info.value for info in app.info)


def test_the_choice_is_offered_where_there_is_one(app, monkeypatch):
    monkeypatch.setattr(loading, "default_model", lambda: "fake")
    page = AppTest.from_string(PICKER).run()
    page.selectbox(key="model_choice").select("other").run()
    assert page.session_state[state_keys.MODEL] == "other"
    page.selectbox(key="model_choice").select("fake").run()
    assert page.session_state[state_keys.MODEL] is None
    monkeypatch.setattr(loading, "usable_models", lambda: {"fake": "Bundled"})
    alone = AppTest.from_string(PICKER).run()
    assert not alone.selectbox
