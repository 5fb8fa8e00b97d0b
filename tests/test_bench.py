"""The bench of StyleGAN2 networks and the floors it speaks of."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from stylegan2_files import CONFIG, NAME, random_network, write_model

import facegen.bench.run
from facegen.bench.roofline import Rates
from facegen.cli import cli
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.stylegan2 import StyleGAN2Synthesis


def bench(*arguments):
    return CliRunner().invoke(cli, ["bench", "--runs", "1", *arguments])


@pytest.mark.long
def test_an_imported_network_is_timed_against_the_plain_form(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path))
    write_model(tmp_path)
    rows = json.loads(bench("--model", NAME, "--json").stdout)
    assert [row["engine"] for row in rows] == ["reference", "torch", "openvino"]
    assert rows[0]["speed"] == 1
    for row in rows:
        assert row["median_ms"] > 0
        assert row["max_diff"] < 2


@pytest.mark.long
def test_random_weights_serve_for_timing_and_the_floors_are_told(monkeypatch):
    monkeypatch.setattr(facegen.bench.run, "config_f", lambda edge: CONFIG)
    result = bench("--architecture", "stylegan2-config-f-32")
    assert "stylegan2-config-f-32 (random)" in result.stdout
    assert "billion products" in result.stderr
    refused = bench("--architecture", "stylegan9")
    assert refused.exit_code == 1
    assert "No architecture is called 'stylegan9'" in refused.stderr


def test_work_is_counted_from_the_sizes():
    full = StyleGAN2Synthesis(img_resolution=1024).work()
    assert full.macs == pytest.approx(75.3e9, rel=0.01)
    assert MobileSynthesis().work().macs == pytest.approx(7e9, rel=0.2)
    tiny = random_network().work()
    assert 0 < tiny.macs < full.macs / 1000
    rates = Rates(flops=1e12, bytes=1e10)
    arithmetic, memory = rates.floors_ms(full, itemsize=2, batch=4)
    assert arithmetic == pytest.approx(1000 * 4 * 2 * full.macs / 1e12)
    assert memory == pytest.approx(1000 * 4 * 2 * full.values / 1e10)
