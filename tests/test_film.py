"""Films of sweeps, read again with a decoder: frames, speed, size, codec, colours, motion."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from facegen.errors import UsageError
from facegen.face import Face
from facegen.sweeps.film import FPS, PER_STEP, in_between, make_film
from facegen.sweeps.grid import Cell
from facegen.sweeps.sweep import Frame

FACE = Face.from_w_plus(np.zeros(512, np.float32))
ORANGE, BLUE = (214, 120, 40), (30, 60, 160)


def disc(x: float, edge: int = 160) -> np.ndarray:
    """An orange disc with a pattern on blue, its centre at x."""
    image = np.full((edge, edge, 3), BLUE, np.uint8)
    centre = (round(x * 16), edge * 8)
    cv2.circle(image, centre, 30 * 16, ORANGE, -1, cv2.LINE_AA, 4)
    cv2.circle(image, centre, 12 * 16, (90, 30, 20), -1, cv2.LINE_AA, 4)
    return image


def frames(yaws: list[float], edge: int = 160) -> list[Frame]:
    return [Frame(i, Cell(yaw=yaw), FACE, disc(80 + yaw, edge)) for i, yaw in enumerate(yaws)]


def centre_of(image: np.ndarray) -> float:
    """Where the orange is, in pixels from the left."""
    is_orange = image[..., 0].astype(int) - image[..., 2] > 60
    return float(np.nonzero(is_orange)[1].mean())


def decoded(data: bytes) -> tuple[av.VideoStream, list[np.ndarray], dict[str, str]]:
    film = av.open(io.BytesIO(data))
    stream = film.streams.video[0]
    return stream, [f.to_ndarray(format="rgb24") for f in film.decode(stream)], film.metadata


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "h264"), ("webm", "vp9")])
@pytest.mark.parametrize("edge", [160, 161])
def test_the_film_is_what_players_and_editors_take(kind, codec, edge):
    stream, seen, metadata = decoded(make_film(frames([-10, 0, 10], edge), kind))
    assert stream.codec_context.name in (codec, f"lib{codec}")
    assert stream.codec_context.pix_fmt == "yuv420p"
    assert (stream.width, stream.height) == (160, 160)  # even
    assert stream.average_rate == Fraction(FPS) >= 24
    assert len(seen) == 4 * PER_STEP  # two steps there, two back
    assert "trainedAlgorithmicMedia" in {key.lower(): v for key, v in metadata.items()}["comment"]
    assert np.abs(seen[0][5, 5].astype(int) - BLUE).max() < 10  # the colours are tagged as made
    assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_long_film_shows_each_frame_in_its_time(kind):
    data = make_film(frames([float(yaw) for yaw in range(-20, 21, 2)]), kind)
    film = av.open(io.BytesIO(data))
    times = [float(frame.time) for frame in film.decode(film.streams.video[0])]
    assert times == pytest.approx([i / FPS for i in range(40 * PER_STEP)], abs=0.002)


def test_an_mp4_begins_with_its_index_so_that_it_plays_while_it_loads():
    data = make_film(frames([0, 5]))
    assert data.index(b"moov") < data.index(b"mdat")


def test_it_moves_evenly_there_and_back():
    _, seen, _ = decoded(make_film(frames([-10, 0, 10])))
    way = [centre_of(image) for image in seen]
    half = 2 * PER_STEP
    assert way[0] == pytest.approx(70, abs=1)
    assert way[half] == pytest.approx(90, abs=1)
    steps = np.diff(way[: half + 1])
    assert steps.min() > 0.5 * 20 / half
    assert steps.max() < 1.5 * 20 / half
    assert way[half + 1 :] == pytest.approx(way[half - 1 : 0 : -1], abs=1)


def test_what_is_between_lies_between_and_shows_one_disc_not_two():
    for number, image in enumerate(in_between(disc(70), disc(82), 3), 1):
        assert centre_of(image) == pytest.approx(70 + 3 * number, abs=1)
        assert np.abs(image.astype(int) - disc(70 + 3 * number)).mean() < 2


def test_the_end_of_a_row_is_a_cut():
    _, seen, _ = decoded(make_film(frames([-40, 40])))
    assert np.diff([centre_of(image) for image in seen[:PER_STEP]]) == pytest.approx(0, abs=1)
    assert centre_of(seen[PER_STEP]) == pytest.approx(120, abs=1)


def test_one_picture_makes_a_second_and_none_a_sentence():
    _, seen, _ = decoded(make_film(frames([0])))
    assert len(seen) == FPS
    with pytest.raises(UsageError, match="no picture"):
        make_film([])


def test_a_codec_that_is_not_there_is_told(monkeypatch):
    from facegen.sweeps import film

    gone = film._Codec("no_such_codec", {}, {})
    monkeypatch.setitem(film.CODECS, "mp4", gone)
    with pytest.raises(UsageError, match="take the GIF"):
        make_film(frames([0, 5]))
