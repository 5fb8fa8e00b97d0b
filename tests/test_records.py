from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from facegen.records import RecordError, parse_record


@dataclass
class Inner:
    size: Annotated[float, Meta(gt=0)]


@dataclass
class Outer:
    name: Annotated[str, Meta(max_length=5)]
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (0.0, 1.0)
    parts: list[Inner] = field(default_factory=list)
    seed: int | None = None

    def __post_init__(self):
        if self.pair[0] >= self.pair[1]:
            raise ValueError("pair must rise")


def test_what_fits_is_read_and_the_rest_left_out():
    data = b'{"name": "x", "pair": [1, 2], "parts": [{"size": 3}], "seed": null, "more": {}}'
    assert parse_record(data, Outer) == Outer("x", pair=(1.0, 2.0), parts=[Inner(3.0)])


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        ("{}", "it lacks name"),
        ('{"name": 3}', "name must be a text, got a whole number"),
        ('{"name": "abcdef"}', "name must be a text of length <= 5"),
        ('{"name": "x", "kind": "c"}', "invalid enum value 'c' - at 'kind'"),
        ('{"name": "x", "pair": [1]}', "pair must be a list of length 2"),
        ('{"name": "x", "pair": [1, "2"]}', "pair[1] must be a number, got a text"),
        ('{"name": "x", "pair": [2, 1]}', "pair must rise"),
        ('{"name": "x", "parts": [{"size": 0}]}', "parts[0].size must be a number > 0.0"),
        ('{"name": "x", "parts": [{}]}', "it lacks size in parts[0]"),
        ('{"name": "x", "seed": 1.5}', "seed must be a whole number or nothing, got a number"),
        ('{"name": "x", "pair": [NaN, 1]}', "it is not JSON (invalid character (byte 23))"),
        ("[1, 2]", "it must be an object, got a list"),
        ("", "it is not JSON (Input data was truncated)"),
        ("[" * 100_000, "it is nested too deeply"),
        (b"\xff\xfe", "it is not JSON (invalid character (byte 0))"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_fit_is_told_in_a_clause(data, clause):
    kind = Outer if not str(data).startswith("[[") else list
    with pytest.raises(RecordError) as caught:
        parse_record(data, kind)
    assert str(caught.value) == clause
