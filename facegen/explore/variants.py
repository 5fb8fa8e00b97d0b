"""Variants of a face: some of its dials moved a little, differently each time.

One dial is moved in even steps. Several are moved as people differ in them: toward another person
who is much like the face in everything else. So what excludes each other (blond and black hair) is
not asked at once, and a woman gets hair as women have it. The other dials stay where they are, and
the person may be held (`DialSet.apply`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from facegen.controls import GROUPS
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import total_edits, with_edits
from facegen.editing.naturalness import AT_THE_EDGE_BELOW
from facegen.errors import UsageError
from facegen.explore.mixing import mixer_of
from facegen.face import Face
from facegen.latents import LABELS_PSI, MAX_SEED, Z_DIM, broadcast_w, truncate
from facegen.protocols import Maps
from facegen.threads import one_blas_thread

MOST_VARIANTS = 1000
DONORS = 32
"""People drawn for each variant; the one who differs least in what stays is followed."""
SHARES = (1.0, 0.5, 0.25)
STRONGEST = 3.0
"""Standard deviations; dials are not measured further out."""


def named_dials(names: Collection[str], dials: DialSet) -> tuple[str, ...]:
    """Dials by their names or by the first words of their groups ("hair", "light", "expression").

    Args:
        names: None at all means every dial. A dial goes before a group of the same name.
        dials: Of the space.

    Raises:
        UnknownDialError: neither a dial nor a group; names near matches.
    """
    table = dials.table
    groups: dict[str, list[str]] = {}
    for entry in table:
        if entry.group in GROUPS:
            groups.setdefault(_first_word(entry.group), []).append(entry.name)
    found: dict[str, None] = {}
    for name in names or dials.names:
        if name in dials.names or name.lower() not in groups:
            dials.spec(name)  # knows near matches
            found[name] = None
        else:
            found.update(dict.fromkeys(groups[name.lower()]))
    return tuple(found)


def variants(
    face: Face,
    dials: DialSet,
    names: Collection[str] = (),
    *,
    generator: Maps,
    strength: float = 0.5,
    count: int = 12,
    seed: int = 0,
    hold: Collection[str] = (),
) -> list[Face]:
    """The same face with dials moved, differently each time.

    Args:
        face: Of the dials' space; not changed.
        dials: Of its space.
        names: Dials or groups of them, as `named_dials` takes them; none means every dial.
        generator: Makes the people in whose direction several dials are moved.
        strength: How far the dials move, in standard deviations, 0 to 3: one dial up to this to
            either side, several so far on average (root mean square).
        count: How many, 1 to 1000.
        seed: The same seed gives the same variants.
        hold: Dials that keep their readings; IDENTITY holds the person.

    Returns:
        Faces with the moves among their edits, so each can be taken back. What is done in the
        picture at landmarks is left out, as `Face.edited` does.

    Raises:
        UnknownDialError: no such dial or group.
        UsageError: a number outside its range, or a dial both moved and held.
        SpaceMismatchError: the face is of another space.
    """
    face.require_space(dials.space)
    moved = named_dials(names, dials)
    _check(strength, count, seed)
    if both := sorted(set(moved) & set(hold)):
        if names:
            raise UsageError(f"{both[0]} is to be moved and held; drop one of the two.")
        moved = tuple(name for name in moved if name not in hold)
    held = dict.fromkeys(hold, 0.0)
    return [
        _moved(face, dials, dict(zip(moved, steps.tolist(), strict=True)), held)
        for steps in _steps(face, dials, moved, generator, strength, count, seed)
    ]


def _moved(
    face: Face, dials: DialSet, deltas: Mapping[str, float], held: Mapping[str, float]
) -> Face:
    """The face with dials moved; by half, or a quarter, where it would fall apart otherwise."""
    least = min(AT_THE_EDGE_BELOW, dials.naturalness(face.w_plus))
    for share in SHARES:
        part = {name: share * delta for name, delta in deltas.items()}
        variant = with_edits(dials, face, total_edits(face, {**part, **held}))
        if dials.naturalness(variant.w_plus) >= least:
            break
    return variant


def _steps(
    face: Face,
    dials: DialSet,
    names: Sequence[str],
    generator: Maps,
    strength: float,
    count: int,
    seed: int,
) -> np.ndarray:
    """Changes of the dials in their units, [count, K]."""
    sd = np.array([dials.spec(name).unit_per_sd for name in names])
    here = dials.read(face.w_plus)
    own = np.array([here[name] for name in names]) / sd
    if len(names) == 1:
        # As many on either side, and never the face itself.
        half = -(-count // 2)
        up = strength * np.arange(1, half + 1) / half
        steps = np.sort(np.concatenate([-up, up]))[-count:, None]
    else:
        others = [_donor(k, names, face, dials, generator, seed) for k in range(count)]
        away = np.array(others) / sd - own
        length = np.sqrt(np.square(away).mean(axis=1, keepdims=True))
        steps = strength * away / np.maximum(length, 1e-9)
    low, high = np.array([dials.spec(name).safe for name in names]).T / sd
    goal = np.clip(own + steps, np.minimum(low, own), np.maximum(high, own))
    return np.asarray((goal - own) * sd)


def _donor(
    index: int, names: Sequence[str], face: Face, dials: DialSet, generator: Maps, seed: int
) -> np.ndarray:
    """Where another person stands on these dials, [K]: one much like the face in all the others."""
    one_blas_thread()
    z = np.random.RandomState([seed, index]).randn(DONORS, Z_DIM).astype(np.float32)
    people = broadcast_w(truncate(generator.map(z), generator.w_avg, LABELS_PSI))
    mixer = mixer_of(generator)
    stay = [k for k, name in enumerate(mixer.named.names) if name not in names]
    away = mixer.readings(people)[:, stay] - mixer.readings(face.w_plus[None])[:, stay]
    read = dials.read(people[np.square(away).sum(axis=1).argmin()])
    return np.array([read[name] for name in names])


def _check(strength: float, count: int, seed: int) -> None:
    if not (np.isfinite(strength) and 0 < strength <= STRONGEST):
        raise UsageError(
            f"The strength is a number of standard deviations above 0, up to {STRONGEST:g}; "
            f"got {strength}."
        )
    if not 1 <= count <= MOST_VARIANTS:
        raise UsageError(f"There can be 1 to {MOST_VARIANTS} variants, got {count}.")
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"A seed must be a whole number from 0 to {MAX_SEED}, got {seed}.")


def _first_word(group: str) -> str:
    return group.split()[0].lower()
