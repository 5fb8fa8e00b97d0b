"""A generator and dials that cost nothing: a drawn face whose parts follow the latent.

Real values in, real pictures out, so that everything above the network can be tested in
milliseconds. Not a mock: equal latents give equal pictures, different ones different pictures.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from facegen.latents import BUNDLED_SPACE, broadcast_w, truncate, z_from_seed
from facegen.operations import KeepRest
from facegen.service.measuring import Look

UNITS = ("deg", "years", "sd")
FACELESS_FROM = 45.0
PERSON_PER_YEAR = 0.004
"""So much each number of the descriptor moves by a year: somebody else after some thirteen."""


@dataclass(frozen=True)
class FakeDial:
    name: str
    label: str
    group: str
    unit: str
    help: str
    low: str
    high: str


@dataclass(frozen=True)
class FakeSpec:
    unit: str
    natural: tuple[float, float]
    safe: tuple[float, float]
    unit_per_sd: float
    yes_from: float | None = None


TABLE = (
    FakeDial("yaw", "Yaw", "Pose", "deg", "Turns the head.", "left", "right"),
    FakeDial("pitch", "Pitch", "Pose", "deg", "Raises the chin.", "down", "up"),
    FakeDial(
        "smile", "Smile", "Expression", "sd", "From serious to a broad smile.", "serious", "smiling"
    ),
    FakeDial("mouth_open", "Mouth", "Expression", "sd", "Opens the mouth.", "closed", "open"),
    FakeDial("eyes_open", "Eyes", "Expression", "sd", "Opens the eyes.", "narrow", "wide"),
    FakeDial("age", "Age", "Age and sex", "years", "Makes the person older.", "younger", "older"),
    FakeDial(
        "gender", "Gender", "Age and sex", "sd", "Feminine to masculine.", "feminine", "masculine"
    ),
    FakeDial("skin", "Skin", "Age and sex", "sd", "Skin tone.", "light", "dark"),
    FakeDial("hair_length", "Hair length", "Hair", "sd", "Length of the hair.", "short", "long"),
    FakeDial("hair_dark", "Hair colour", "Hair", "sd", "Blond to black.", "light", "dark"),
    FakeDial("bangs", "Fringe", "Hair", "sd", "Hair over the forehead.", "none", "full"),
    FakeDial("beard", "Beard", "Beard", "sd", "Grows a beard.", "shaved", "full"),
    FakeDial("glasses", "Glasses", "Accessories", "sd", "Puts glasses on.", "none", "glasses"),
)
SCALE = {"deg": 18.0, "years": 12.0, "sd": 1.0}
MEAN = {"deg": 0.0, "years": 34.0, "sd": 0.0}


class FakeGenerator:
    """Draws a face; `delay_s` makes it as slow as a real one."""

    model = "fake-1024"
    space = BUNDLED_SPACE
    engine_name = "fake"
    img_resolution = 1024
    preview_size = 256

    def __init__(self, *, delay_s: float = 0.0, preview_delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.preview_delay_s = preview_delay_s
        self.rendered = 0
        self.drawn: dict[int, np.ndarray] = {}
        rng = np.random.RandomState(5)
        self.w_avg = (0.1 * rng.randn(512)).astype(np.float32)
        self._matrix = (rng.randn(512, 512) / np.sqrt(512)).astype(np.float32)
        self._parts = rng.randn(512, 16).astype(np.float32) / np.float32(np.sqrt(512))

    def map(self, z: Any) -> Any:
        if isinstance(z, np.ndarray):
            return self.w_avg + np.tanh(z @ self._matrix)
        import torch

        return torch.from_numpy(self.w_avg) + torch.tanh(z @ torch.from_numpy(self._matrix))

    def w_from_seed(self, seed: int, psi: float = 0.7) -> np.ndarray:
        return broadcast_w(truncate(self.map(z_from_seed(seed)), self.w_avg, psi))[0]

    def render(
        self, w_plus: np.ndarray, *, size: int = 1024, keep: KeepRest | None = None
    ) -> np.ndarray:
        if np.ndim(w_plus) == 3:
            return np.stack([self.render(one, size=size, keep=keep) for one in w_plus])
        if keep is not None:
            inside = keep.region.at(size)[..., None]
            pictures = (self.render(keep.w_plus, size=size), self.render(w_plus, size=size))
            return np.rint(pictures[0] * (1 - inside) + pictures[1] * inside).astype(np.uint8)
        if size == self.preview_size:
            return self.preview(w_plus)
        self.rendered += 1
        time.sleep(self.delay_s)
        return self._draw(np.asarray(w_plus), size)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        time.sleep(self.preview_delay_s)
        return self._draw(np.asarray(w_plus), self.preview_size)

    def _draw(self, w_plus: np.ndarray, size: int) -> np.ndarray:
        v = np.tanh(1.2 * (w_plus.mean(axis=0) - self.w_avg) @ self._parts) * 2
        back = tuple(int(150 + 45 * x) for x in v[:3])
        image = Image.new("RGB", (size, size), back)
        draw = ImageDraw.Draw(image)

        def oval(x: float, y: float, rx: float, ry: float, color: tuple[int, ...]) -> None:
            rx, ry = max(rx, 0.002), max(ry, 0.002)
            box = [size * (x - rx), size * (y - ry), size * (x + rx), size * (y + ry)]
            draw.ellipse(box, fill=tuple(int(min(max(c, 0), 255)) for c in color))

        turn, nod = 0.06 * v[3], 0.04 * v[4]
        hair = (90 + 40 * v[5], 65 + 30 * v[5], 45 + 20 * v[5])
        skin = (214 - 34 * v[6], 170 - 34 * v[6], 142 - 30 * v[6])
        oval(0.5, 1.05, 0.36, 0.28, (70 + 30 * v[7], 80, 100))
        oval(0.5, 0.47 + 0.03 * v[8], 0.31, 0.40 + 0.03 * v[8], hair)
        oval(0.5, 0.52, 0.235 + 0.01 * v[9], 0.30, skin)
        for side in (-1, 1):
            x = 0.5 + turn + side * 0.09
            oval(x, 0.46 + nod, 0.035, 0.016 + 0.005 * v[10], (250, 250, 248))
            oval(x + 0.2 * turn, 0.46 + nod, 0.014, 0.014, (50, 60 + 20 * v[11], 70))
        oval(0.5 + 1.3 * turn, 0.555 + nod, 0.025, 0.035, tuple(c - 22 for c in skin))
        oval(0.5 + turn, 0.66 + nod, 0.07 + 0.015 * v[12], 0.014 + 0.008 * v[13], (176, 84, 84))
        self.drawn[hash(image.tobytes())] = w_plus
        return np.asarray(image)


class FakeDials:
    """One orthonormal direction per dial; turning the head also makes a little smile."""

    SPILL = ("yaw", "smile", 0.4)
    space = BUNDLED_SPACE

    def __init__(self, generator: FakeGenerator, table: tuple[FakeDial, ...] = TABLE) -> None:
        self.names = tuple(dial.name for dial in table)
        self._units = {dial.name: dial.unit for dial in table}
        rows = np.linalg.qr(np.random.RandomState(8).randn(512, len(table)))[0].T
        self._rows = dict(zip(self.names, rows.astype(np.float32), strict=True))
        self._w_avg = generator.w_avg

    def spec(self, name: str) -> FakeSpec:
        unit = self._units[name]
        low, high = MEAN[unit] - 2.3 * SCALE[unit], MEAN[unit] + 2.3 * SCALE[unit]
        safe = (low - SCALE[unit], high + SCALE[unit])
        since = 0.3 if name == "glasses" else None
        return FakeSpec(unit, (low, high), safe, SCALE[unit], since)

    def vector(self, name: str) -> np.ndarray:
        turned, smiling, share = self.SPILL
        row = self._rows[name]
        if name == turned:
            row = row + np.float32(share) * self._rows[smiling]
        return np.tile(np.float32(2.0 / SCALE[self._units[name]]) * row, (18, 1))

    def read(self, w_plus: np.ndarray) -> dict[str, float]:
        w = w_plus.mean(axis=0) - self._w_avg
        return {
            name: MEAN[self._units[name]] + SCALE[self._units[name]] * float(w @ row) / 2.0
            for name, row in self._rows.items()
        }

    def naturalness(self, w_plus: np.ndarray) -> float:
        """Falls from 100 toward 0 the further the readings are from the average."""
        far = max(
            abs(value - MEAN[self._units[name]]) / SCALE[self._units[name]]
            for name, value in self.read(w_plus).items()
        )
        return float(np.clip(100.0 * (3.0 - far), 0.0, 100.0))

    @property
    def plain(self) -> FakeDials:
        """These dials know one way to move."""
        return self

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """Readings change by the deltas; a dial that is asked for takes no smile of the turn."""
        w = np.array(base, np.float32)
        turned, smiling, share = self.SPILL
        steps = dict(deltas)
        if smiling in steps:
            spilled = share * steps.get(turned, 0.0) * self._scale(smiling) / self._scale(turned)
            steps[smiling] -= spilled
        for name in sorted(steps):
            if name in self.names:
                w += np.float32(steps[name]) * self.vector(name)
        return w

    def _scale(self, name: str) -> float:
        return SCALE[self._units[name]]


def fake_measure(generator: FakeGenerator) -> Callable[..., Look | None]:
    """Stands in for `facegen.service.measuring.load_measure`: people look younger than asked.

    No face is seen on heads that are tilted up by more than `FACELESS_FROM` degrees.
    """

    def measure(dials: FakeDials, picture: np.ndarray) -> Look | None:
        readings = dials.read(generator.drawn[hash(picture.tobytes())])
        if readings.get("pitch", 0.0) > FACELESS_FROM:
            return None
        person = np.full(128, PERSON_PER_YEAR * readings["age"], np.float32)
        return Look(readings | {"age": 10 + 0.7 * (readings["age"] - 10)}, person)

    return measure


def fake_parts(progress: object = None) -> tuple[FakeGenerator, FakeDials, tuple[FakeDial, ...]]:
    """Stands in for `facegen.service.loading.load_parts`."""
    generator = FakeGenerator()
    return generator, FakeDials(generator), TABLE


@dataclass(frozen=True, eq=False)
class FakeOwnDial:
    """Stands in for `facegen.directions.user_dials.OwnDial`."""

    name: str
    title: str
    vector: np.ndarray
    score: float | None = 0.91
    source: str = "3 faces with it and 3 without"
    kind: str = "examples"

    @property
    def moves(self) -> dict[str, float]:
        return {"smile": 0.2}

    def entry(self) -> FakeDial:
        return FakeDial(self.name, self.title, "Own", "sd", "Own.", "less", "more")


class FakeUserDials:
    """Stands in for the files of `directions.user_dials`; `put` takes a monkeypatch or nothing."""

    def __init__(self) -> None:
        self.dials: dict[str, FakeOwnDial] = {}
        self.generator = FakeGenerator()

    def make(self, generator, has, has_not, *, name, title, progress):  # type: ignore
        progress(1, 2)
        difference = np.mean(has, axis=0) - np.mean(has_not, axis=0)
        return FakeOwnDial(name, title, np.asarray(difference, np.float32))

    def keep(self, dial: FakeOwnDial) -> None:
        self.dials[dial.name] = dial

    def version(self, space: str) -> object:
        return tuple(self.dials) or None

    def load_dials(self, space: str) -> tuple[FakeDials, tuple[FakeDial, ...]]:
        table = (*TABLE, *(dial.entry() for dial in self.dials.values()))
        return FakeDials(self.generator, table), table

    def put(self, setattr_: object = setattr) -> FakeUserDials:
        from facegen.directions import user_dials
        from facegen.service import loading
        from facegen.ui.pages import your_dials

        for module, name, value in (
            (loading, "own_version", self.version),
            (loading, "load_dials", self.load_dials),
            (your_dials, "make_own", self.make),
            (user_dials, "list_own", lambda space: dict(self.dials)),
            (user_dials, "damaged_own", lambda space: {}),
            (user_dials, "save_own", self.keep),
            (user_dials, "remove_own", lambda name, space: self.dials.pop(name)),
            (user_dials, "own_bytes", lambda dial: dial.name.encode()),
        ):
            setattr_(module, name, value)  # type: ignore[operator]
        return self


def unpack_frame(data: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Undo `facegen.ui.components.view.pack_frame`; absent pictures are empty."""
    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    end = 4 + length + head["bytes"]
    return head, data[4 + length : end], data[end : end + head["before_bytes"]]
