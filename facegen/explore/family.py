"""Faces out of faces: the average of two and more, and children of two.

How latents are mixed is in `facegen.explore.mixing`. What was done in the parents' pictures (eyes
turned, a wink, roll) and tuned weights are not passed on: only latents are mixed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facegen.errors import SpaceMismatchError, UsageError
from facegen.explore.mixing import Limits, Mixer, mixer_of
from facegen.face import Face
from facegen.latents import MAX_SEED, NUM_WS
from facegen.protocols import Maps

MOST_PARENTS = 1000
MOST_CHILDREN = 1000
NAMED = 3
"""Parents in the name of an average."""
DEFAULT_CHILDREN = 12
DEFAULT_VARIATION = 0.4
ROOM = 0.1
"""Standard deviations that an average may lie beyond its parents' readings."""
CHILDS_ROOM = 0.5
BLOCKS: tuple[tuple[int, int], ...] = ((0, 4), (4, 8), (8, NUM_WS))
"""Rows that a child takes together: pose and shape, features, colour and light."""
MIXED = 0.25
"""A child has this much at least of either parent in the rows of shape and features."""


def average(
    faces: Sequence[Face],
    weights: Sequence[float] | None = None,
    *,
    generator: Maps,
    plain: bool = False,
    name: str | None = None,
) -> Face:
    """A face between others, as distinct as they are.

    Its readings stay within one standard deviation of the parents' weighted mean, and within the
    parents': what they share it has as they have it, and of what they differ in it has something.

    Args:
        faces: Two to 1000, of the generator's space; edited faces and photographs as well.
        weights: One for each, above 0, of any scale; None takes all alike.
        generator: Knows the space.
        plain: The mean of the latents instead, which comes nearer to the average face the more
            people there are.
        name: Of the new person; None joins the parents' names.

    Returns:
        A face without a history: base and w_plus are the mixture, no seed, no operations.

    Raises:
        UsageError: fewer than two different faces, too many, or weights that are none.
        SpaceMismatchError: the faces do not all belong to the generator's space.
    """
    check_parents(faces, weights)
    faces[0].require_space(generator.space)
    shares = _shares(weights, len(faces))
    latents = np.stack([face.w_plus for face in faces])
    if plain:
        w_plus = np.einsum("n,nrd->rd", shares, latents, dtype=np.float64)
    else:
        mixer = mixer_of(generator)
        by_row = np.repeat(shares[:, None], NUM_WS, axis=1)
        w_plus = mixer.mix(latents, by_row, _around_mean(mixer.readings(latents), shares))
    return _face(w_plus, generator, _joined(faces, " + ") if name is None else name)


def children(
    a: Face,
    b: Face,
    *,
    generator: Maps,
    count: int = DEFAULT_CHILDREN,
    seed: int = 0,
    variation: float = DEFAULT_VARIATION,
    name: str | None = None,
) -> list[Face]:
    """Children of two people: rows of both, mixed differently for each child, and some chance.

    Rows mixed of several people are what StyleGAN was trained with (style mixing: Karras et al.
    2019, arXiv 1812.04948, 3.1).

    Args:
        a: A face of the generator's space.
        b: Another one.
        generator: Knows the space.
        count: How many, 1 to 1000.
        seed: The same seed gives the same children; those of a small count are the first of a
            large one.
        variation: How far each goes toward a random person of its own, 0 to 1; with 0 all of it is
            from the parents.
        name: Of all of them; None joins the parents' names.

    Returns:
        Faces without a history, each different.

    Raises:
        UsageError: the same face twice, or a number outside its range.
        SpaceMismatchError: the faces do not both belong to the generator's space.
    """
    check_parents((a, b))
    a.require_space(generator.space)
    if not 1 <= count <= MOST_CHILDREN:
        raise UsageError(f"There can be 1 to {MOST_CHILDREN} children, got {count}.")
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"A seed must be a whole number from 0 to {MAX_SEED}, got {seed}.")
    if not (np.isfinite(variation) and 0 <= variation <= 1):
        raise UsageError(f"The variation must be a number from 0 to 1, got {variation}.")
    mixer = mixer_of(generator)
    latents = np.stack([a.w_plus, b.w_plus])
    read = mixer.readings(latents)
    limits = read.min(axis=0) - CHILDS_ROOM, read.max(axis=0) + CHILDS_ROOM
    called = _joined((a, b), " × ") if name is None else name
    return [
        _face(_child(latents, mixer, limits, variation, [seed, index]), generator, called)
        for index in range(count)
    ]


def _child(
    latents: np.ndarray, mixer: Mixer, limits: Limits, variation: float, seed: list[int]
) -> np.ndarray:
    rng = np.random.RandomState(seed)
    toward_b = _crossover(rng)
    mixed = mixer.mix(latents, np.stack([1 - toward_b, toward_b]), limits)
    return mixer.vary(mixed, variation, rng)


def _crossover(rng: np.random.RandomState) -> np.ndarray:
    """How much of the second parent each row takes, 0 to 1, [18].

    Mostly a block of rows comes from one of them, at times from both.
    """
    toward_b = np.empty(NUM_WS)
    while True:
        for first, last in BLOCKS:
            toward_b[first:last] = rng.beta(0.7, 0.7)
        if MIXED <= toward_b[: BLOCKS[1][1]].mean() <= 1 - MIXED:
            return toward_b


def check_parents(faces: Sequence[Face], weights: Sequence[float] | None = None) -> None:
    """Check what can be checked before a network is loaded: whether faces can be mixed.

    Raises:
        UsageError: fewer than two different faces, too many, or weights that are none.
        SpaceMismatchError: they belong to several latent spaces.
    """
    if not 2 <= len(faces) <= MOST_PARENTS:
        raise UsageError(f"Two to {MOST_PARENTS} faces can be mixed, got {len(faces)}.")
    _shares(weights, len(faces))
    spaces = {face.space: face for face in faces}
    if len(spaces) > 1:
        told = ", ".join(
            f"{_called(face) or 'a face'} in '{space}'" for space, face in spaces.items()
        )
        raise SpaceMismatchError(
            "Faces can be mixed within one latent space alone, and these have several: "
            f"{told}. Take faces that were made with one model."
        )
    if len({face.w_plus.tobytes() for face in faces}) == 1:
        raise UsageError(
            "All of these are the same face, so nothing lies between them. Name different faces, "
            "or ask for variants of the one."
        )


def _around_mean(read: np.ndarray, shares: np.ndarray) -> Limits:
    """Readings within one standard deviation of the weighted mean, and within the parents'."""
    mean = shares @ read
    spread = np.sqrt(shares @ np.square(read - mean))
    low = np.maximum(mean - spread, read.min(axis=0)) - ROOM
    high = np.minimum(mean + spread, read.max(axis=0)) + ROOM
    return low, high


def _shares(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """Weights that add up to 1, [N]."""
    if weights is None:
        return np.full(count, 1 / count)
    if len(weights) != count:
        raise UsageError(f"{count} faces take {count} weights, got {len(weights)}.")
    values = np.asarray(weights, np.float64)
    if not np.isfinite(values).all() or (values <= 0).any():
        raise UsageError(
            "A weight must be a finite number above 0, as in 1,1,2; leave a face out that is to "
            "have no part."
        )
    values = values / values.max()
    return np.asarray(values / values.sum())


def _joined(parents: Sequence[Face], sign: str) -> str:
    """The parents' names, or seeds; of many, the first and how many more."""
    known = dict.fromkeys(_called(face) for face in parents)
    names = [name for name in known if name]
    more = len(names) - NAMED
    return sign.join([*names[:NAMED], *([f"{more} more"] if more > 0 else [])])


def _called(face: Face) -> str:
    if face.name or face.seed is None:
        return face.name
    return f"seed {face.seed}"


def _face(w_plus: np.ndarray, generator: Maps, name: str) -> Face:
    return Face.from_w_plus(
        w_plus.astype(np.float32), space=generator.space, model=generator.model, name=name
    )
