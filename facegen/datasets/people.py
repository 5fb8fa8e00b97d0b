"""Whose pictures a dataset shows: saved faces, folders of them, or new people, balanced on wish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import FacegenError, ModelError, UsageError
from facegen.face import Face
from facegen.formats.sniff import has_twin
from facegen.images import PICTURE_KINDS
from facegen.protocols import Maps

FACE_SUFFIXES = (*PICTURE_KINDS, ".npz", ".npy", ".pt")
# Borders between the bins of each thing that can be balanced, in the dial's unit.
BALANCE: dict[str, tuple[str, tuple[float, ...]]] = {
    "age": ("age", (20.0, 35.0, 50.0)),
    "gender": ("gender", (0.0,)),
    "skin": ("skin", (-0.5, 0.8)),
    "pose": ("yaw", (-12.0, 12.0)),
}
CANDIDATES_EACH = 20
LEAST_CANDIDATES = 200


def open_people(
    paths: Iterable[Path], space: str, *, warn: Callable[[str], None] = lambda _: None
) -> list[tuple[str, Face]]:
    """The faces in files and folders, with a name each.

    Args:
        paths: Face files, or folders of them. A folder's files that are no faces are told of and
            left out; a file named outright must be one.
        space: Latent space of the model.
        warn: Called with a sentence per file left out.

    Raises:
        FacegenError: a named file is no face or of another space, or there is no face at all.
    """
    found: list[tuple[str, Face]] = []
    for path in paths:
        if not path.is_dir():
            found.append((path.stem, _open(path, space)))
            continue
        for file in sorted(entry for entry in path.iterdir() if entry.is_file()):
            if file.suffix.lower() not in FACE_SUFFIXES:
                if not file.name.startswith("."):
                    warn(f"{file.name} is left out: it is no face file.")
                continue
            if has_twin(file):
                continue
            try:
                found.append((file.stem, _open(file, space)))
            except FacegenError as err:
                warn(f"{file.name} is left out: {err}")
    if not found:
        raise UsageError("No face was found in what was given; name face files or a folder.")
    return found


def _open(path: Path, space: str) -> Face:
    """A face that can be drawn; one that cannot would end a job in its midst."""
    face = Face.load(path).require_space(space)
    try:
        face.request(model=face.model, size=1).require_known()
    except ModelError as err:
        raise ModelError(f"{path.name}: {err}") from err
    return face


def new_people(
    generator: Maps,
    count: int,
    *,
    seed: int,
    psi: float,
    balance: Sequence[str] = (),
    dials: DialSet | None = None,
) -> list[tuple[str, Face]]:
    """People who have never existed; the same seed gives the same ones.

    Args:
        generator: Makes their latents.
        count: How many.
        seed: First seed; people are drawn from the seeds that follow.
        psi: Truncation.
        balance: Of `BALANCE`, or the user's own dials: take as many people of each bin, as far
            as they can be found, as predicted from their latents.
        dials: Of the generator's space; needed to balance. Own dials count if they are in it.

    Raises:
        UsageError: an unknown word in `balance`, or no dials to balance by.
    """
    seeds = list(range(seed, seed + count))
    if balance:
        if dials is None:
            raise UsageError("Balancing reads the dials of the model's space; pass them.")
        known = (*BALANCE, *dials.own)
        unknown = [name for name in balance if name not in known]
        if unknown:
            raise UsageError(f"--balance knows {', '.join(known)}, got '{unknown[0]}'.")
        seeds = _balanced(generator, dials, count, seed=seed, psi=psi, balance=balance)
    people = []
    for number in seeds:
        w_plus = generator.w_from_seed(number, psi)
        face = Face(
            w_plus, w_plus, space=generator.space, model=generator.model, seed=number, psi=psi
        )
        # No clock in a dataset: the same job gives the same bytes.
        people.append((f"seed{number:06d}", replace(face, created="")))
    return people


def bins_of(name: str) -> tuple[str, tuple[float, ...]]:
    """The dial that a word of `balance` stands for and its borders; an own dial's is its mean."""
    return BALANCE.get(name, (name, (0.0,)))


def bin_of(readings: dict[str, float], balance: Sequence[str]) -> tuple[int, ...]:
    """Which bin a person with these readings is in."""
    bins = []
    for name in balance:
        dial, borders = bins_of(name)
        bins.append(int(np.searchsorted(borders, readings[dial], side="right")))
    return tuple(bins)


def _balanced(
    generator: Maps, dials: DialSet, count: int, *, seed: int, psi: float, balance: Sequence[str]
) -> list[int]:
    bins: dict[tuple[int, ...], list[int]] = {
        key: [] for key in product(*(range(len(bins_of(name)[1]) + 1) for name in balance))
    }
    for number in range(seed, seed + max(CANDIDATES_EACH * count, LEAST_CANDIDATES)):
        readings = dials.read(generator.w_from_seed(number, psi))
        bins[bin_of(readings, balance)].append(number)
    chosen: list[int] = []
    while len(chosen) < count:  # one of each bin in turn; empty bins drop out
        for waiting in bins.values():
            if waiting and len(chosen) < count:
                chosen.append(waiting.pop(0))
    return sorted(chosen)
