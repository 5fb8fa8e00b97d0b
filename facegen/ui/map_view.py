"""How a visitor looks at the map of a crowd."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class MapView:
    """How the map of the crowd is looked at.

    Attributes:
        is_on: Whether it is shown.
        zoom: How much closer than at first, from 1 on.
        centre: Around whom, in the map's units.
    """

    is_on: bool = False
    zoom: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self._stamp, self._chosen = 0, frozenset[int]()

    def zoomed(self, by: float, most: float) -> None:
        """Look closer, or at more."""
        self.zoom = min(max(self.zoom * by, 1.0), most)
        if self.zoom == 1.0:
            self.centre = (0.0, 0.0)

    def clicked(self, stamp: int, chosen: frozenset[int]) -> int | None:
        """Who was clicked, of those chosen on the chart so far: a click adds or takes away one."""
        before = self._chosen if stamp == self._stamp else frozenset()
        self._stamp, self._chosen = stamp, chosen
        changed = before ^ chosen
        return next(iter(changed)) if len(changed) == 1 else None
