"""Latents as arrays: seeds, truncation, w and w_plus, latent spaces.

Convention:
    z is [N, 512], w is [N, 512], w_plus is [N, 18, 512] (NVIDIA's code calls the last `ws`).
    Truncation is w' = w_avg + psi (w - w_avg) (Karras et al. 2019, arXiv 1812.04948, B).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from facegen.checks import require_finite, require_shape
from facegen.errors import LatentError, UsageError

Z_DIM = 512
W_DIM = 512
NUM_WS = 18
DEFAULT_PSI = 0.7
LABELS_PSI = 0.8
"""Truncation of the faces that dials are learned and judged on."""
GEOMETRY_ROWS = 8
"""So many first rows carry shape, pose and expression; those after them colour and surface."""
LARGEST = 1e6
"""No latent of a face has numbers like that; far beyond, readings overflow."""
MAX_SEED = 2**32 - 1
W_AVG_SEED = 123
W_AVG_SAMPLES = 10_000

BUNDLED_SPACE = "stylegan2-ffhq"
"""The W space of NVIDIA's StyleGAN2 FFHQ config-f, which the bundled model shares."""
DEFAULT_MODEL = "mobilestylegan-ffhq-1024"
"""The bundled model; here, because the registry of all models takes a while to import."""

PROBE_SEED = 20210721
FINGERPRINT_TOLERANCE = 0.01
# Signatures of the known spaces; see `space_signature`.
# fmt: off
KNOWN_SPACES: dict[str, tuple[float, ...]] = {
    BUNDLED_SPACE: (
        -0.30411, 0.64013, 0.58823, 1.16513, -1.58616, -0.47354, -1.62896, 0.65010,
        0.53674, -0.19772, -0.51776, 0.46957, -0.39684, 0.16028, -1.25591, -0.09616,
    ),
}
# fmt: on


def z_from_seed(seed: int, *, z_dim: int = Z_DIM) -> np.ndarray:
    """Draw z as NVIDIA's tools do, so that a seed names the same person everywhere.

    Args:
        seed: 0 to 2**32 - 1.
        z_dim: Length of z.

    Returns:
        float32, [1, z_dim].

    Raises:
        UsageError: the seed is outside its range.
    """
    if not 0 <= int(seed) <= MAX_SEED:
        raise UsageError(f"A seed must be a whole number from 0 to {MAX_SEED}, got {seed}.")
    return np.random.RandomState(int(seed)).randn(1, z_dim).astype(np.float32)


def truncate(w: np.ndarray, w_avg: np.ndarray, psi: float) -> np.ndarray:
    """Pull w toward the average face: psi 1 leaves it, 0 gives the average.

    Args:
        w: [..., 512].
        w_avg: [512].
        psi: Usually 0 to 1.2.

    Raises:
        UsageError: psi is not a finite number.
    """
    if not np.isfinite(psi):
        raise UsageError(f"Truncation must be a finite number, usually 0 to 1.2, got {psi}.")
    return (w_avg + np.float32(psi) * (w - w_avg)).astype(np.float32)


def broadcast_w(w: np.ndarray, *, num_ws: int = NUM_WS) -> np.ndarray:
    """Repeat one w for every layer: [N, 512] -> [N, num_ws, 512]."""
    return np.repeat(np.asarray(w, np.float32)[:, None, :], num_ws, axis=1)


def as_w_plus(array: np.ndarray, *, what: str = "The latent") -> np.ndarray:
    """Bring a public latent to [18, 512] float32.

    Args:
        array: (512,), (1, 512), (18, 512) or (1, 18, 512), any real dtype.
        what: Name used in errors.

    Raises:
        LatentError: another shape, a dtype that is not real, or values that are not finite or
            beyond LARGEST.
    """
    advice = "Latents of shape (512,), (1, 512), (18, 512) or (1, 18, 512) can be opened."
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 1:
        array = array[None]
    if array.dtype.kind not in "fiu":
        array = np.zeros((0,))  # falls through to the shape error below
    rows = 1 if array.ndim == 2 and array.shape[0] == 1 else NUM_WS
    require_shape(array, (rows, W_DIM), what=what, advice=advice)
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    require_finite(array, what=what, advice="The file is damaged; open another copy of it.")
    if (largest := float(np.abs(array).max())) > LARGEST:
        raise LatentError(
            f"{what} must hold numbers as latents do, below a hundred, got {largest:.3g}. "
            "Is it another kind of array?"
        )
    return np.repeat(array, NUM_WS, axis=0) if rows == 1 else array.copy()


def space_id(
    mapping_weights: Mapping[str, np.ndarray],
    known: Mapping[str, Sequence[float]] = KNOWN_SPACES,
) -> str:
    """Name the latent space that a mapping network spans.

    Two checkpoints share a space when their mapping networks do. Signatures are compared within
    a tolerance, so that rounding (a float16 copy, a folded learning rate) does not part what
    belongs together. A network near none of the known spaces gets a name from its own signature,
    rounded; since rounding parts neighbours at its edges, give the spaces met before as known.

    Args:
        mapping_weights: Effective weights, `fc.<i>.weight` [out, in] and `fc.<i>.bias` [out].
        known: Signatures by name.

    Returns:
        A known name such as "stylegan2-ffhq", or "space-" and 12 hex digits.
    """
    signature = space_signature(mapping_weights)
    for name, other in known.items():
        if len(other) == len(signature) and np.allclose(
            other, signature, rtol=0.0, atol=FINGERPRINT_TOLERANCE
        ):
            return name
    coarse = ",".join(f"{value:.1f}" for value in signature)
    return "space-" + hashlib.sha256(coarse.encode()).hexdigest()[:12]


def space_signature(mapping_weights: Mapping[str, np.ndarray]) -> tuple[float, ...]:
    """One number per tensor: its direction, projected on a fixed random vector.

    For unrelated networks each number is a draw from a standard normal; for the same network in
    half precision it moves by less than 0.001.
    """
    signature = []
    for key in sorted(mapping_weights):
        tensor = np.asarray(mapping_weights[key], np.float64).ravel()
        probe = np.random.RandomState(PROBE_SEED).randn(tensor.size)
        signature.append(float(probe @ tensor / (float(np.linalg.norm(tensor)) + 1e-12)))
    return tuple(signature)
