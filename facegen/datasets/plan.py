"""What a dataset is to hold for each person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facegen.errors import UsageError
from facegen.pose.expressions import AVAILABLE
from facegen.retouch.apply import UPSCALERS
from facegen.sweeps.grid import Cell, dataset_grid, random_cells

NATIVE = 1024
SIZES = (256, 512, 1024, 2048)


@dataclass(frozen=True)
class Plan:
    """What a dataset holds for each person.

    Attributes:
        max_angle: Bound of yaw in degrees; pitch ends at 15.
        step: Of the grid in degrees.
        random: Random combinations after the grid.
        seed: Of those.
        size: Edge of the pictures: one of SIZES.
        upscale: "bilinear" or "lanczos"; used above 1024 px.
        expressions: What random combinations may wear.
        measure: "all", "angles" or "none".
        person_steps: Steps that bring each turned picture back to the person; 0 for none.
        depth: Whether a picture of its depth lies beside each picture.
        batch: Pictures drawn at once. It is no part of the job: on a CPU they are the same.
    """

    max_angle: float = 40.0
    step: float = 5.0
    random: int = 100
    seed: int = 0
    size: int = 1024
    upscale: str = "lanczos"
    expressions: tuple[str, ...] = AVAILABLE
    measure: str = "all"
    person_steps: int = 0
    batch: int = 1
    depth: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.upscale == "sr":
            raise UsageError(
                "No super-resolution model is installed or known to this version; use --upscale "
                "lanczos."
            )
        if self.upscale not in UPSCALERS:
            raise UsageError(f"--upscale is bilinear, lanczos or sr, got '{self.upscale}'.")
        if self.size not in SIZES:
            raise UsageError(f"A size is one of {', '.join(map(str, SIZES))}, got {self.size}.")
        if self.random < 0:
            raise UsageError(f"--random must be 0 or more, got {self.random}.")

    def to_record(self) -> dict[str, Any]:
        """What decides the pictures, for dataset.json."""
        facts = {k: v for k, v in self.__dict__.items() if k not in ("batch", "depth")}
        if self.depth:  # Told only then: jobs begun by earlier versions go on.
            facts["depth"] = True
        return facts | {"expressions": list(self.expressions)}

    def cells(self, person: int) -> list[Cell]:
        """The grid, then the random combinations of a person."""
        grid = dataset_grid(self.max_angle, self.step)
        return grid + random_cells(
            self.random,
            max_angle=self.max_angle,
            expressions=self.expressions,
            seed=self.seed,
            person=person,
        )
