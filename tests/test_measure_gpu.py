"""The GPU measurement, tried on the processor with small networks."""

from __future__ import annotations

import json

import pytest

from scripts import measure_gpu


@pytest.mark.long
def test_it_measures_all_that_is_asked_and_writes_both_files(tmp_path, monkeypatch):
    monkeypatch.setattr(measure_gpu, "BATCHES", (1, 4))
    monkeypatch.setattr(measure_gpu, "WARM_UP", 1)
    monkeypatch.setattr(measure_gpu, "CHECKED", 2)
    monkeypatch.setattr(measure_gpu, "VISITORS", 4)
    monkeypatch.setattr(measure_gpu, "rates_of", lambda *_: measure_gpu.Rates(1e12, 1e11))
    out = tmp_path / "gpu"
    measure_gpu.main(["--tiny", "--out", str(out)])
    written = json.loads(out.with_suffix(".json").read_text())
    assert written["facts"]["tiny"]
    stylegan2, mobile = written["rows"]
    for row in (stylegan2, mobile):
        for batch in (1, 4):
            speed = row[f"reference, ms at {batch}"] / row[f"ours, ms at {batch}"]
            assert row[f"speed at {batch}"] == pytest.approx(speed)
        assert row["forward and backward / forward"] > 0
        assert row["pictures/s for 4 visitors"] > 0
        assert row["floor_memory_float32_ms"] == 2 * row["floor_memory_float16_ms"] > 0
    assert stylegan2["share of pixels within 3/255, batch 2"] >= 0.999
    assert stylegan2["polyphase, ms at 1"] > 0
    assert "| speed at 1 |" in out.with_suffix(".md").read_text()


def test_without_a_gpu_it_says_so(capsys):
    with pytest.raises(SystemExit):
        measure_gpu.main([])
    assert "no CUDA device" in capsys.readouterr().err
