"""Who entered a session: numbered as they come, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from facegen.session.edit_state import Subject

MAX_NAME = 60


class People:
    """Numbers the subjects of a session and remembers the names that were given to them.

    Attributes:
        called: Number of a subject -> the name that its user gave them.
    """

    def __init__(self) -> None:
        self._count = 0
        self.called: dict[int, str] = {}

    def enter(self, name: str, seed: int | None, psi: float, origin: np.ndarray | None) -> Subject:
        """Somebody new; the arguments as for `Subject`."""
        self._count += 1
        return Subject(self._count, name[:MAX_NAME], seed, psi, origin)

    def enter_again(self, subject: Subject, called: str | None) -> Subject:
        """Somebody of another session under a number of this one."""
        self._count += 1
        if called is not None:
            self.called[self._count] = called
        return replace(subject, uid=self._count)

    def name_of(self, subject: Subject) -> str:
        """What somebody is called now."""
        return self.called.get(subject.uid, subject.name)

    def rename(self, subject: Subject, name: str) -> None:
        """Call somebody so; an empty name gives the first one back."""
        self.called[subject.uid] = " ".join(str(name).split())[:MAX_NAME] or subject.name

    def restore(self, count: int, called: Mapping[int, str]) -> None:
        """Go on numbering after `count`, with these names."""
        self._count, self.called = count, dict(called)
