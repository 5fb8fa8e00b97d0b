"""Teaches the encoder and writes models/encoder/: `python -m scripts.train_encoder`.

Draws 16,000 faces (25 minutes on one core), looks at them degraded as photographs are (7), fits the
first guess (2), and for each round of feedback draws and looks at what was found for 5,000 of them
(7) and fits (1). What was drawn and seen is kept under .cache/encoder; a run that was cut off goes
on. Then: `python -m facegen evaluate photos`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import torch

from facegen.directions.encoder_weights import ENCODER_FILE, write_encoder
from facegen.generator import Generator
from facegen.latents import DEFAULT_MODEL
from facegen.learning.encoder_rounds import TeachingPlan, teach_encoder
from facegen.paths import cache_dir
from facegen.threads import one_blas_thread


def main() -> None:
    """Draw, look, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=TeachingPlan.first)
    parser.add_argument("--feedback", type=int, default=TeachingPlan.feedback)
    parser.add_argument("--out", type=Path, default=ENCODER_FILE)
    args = parser.parse_args()
    plan = TeachingPlan(first=args.first, feedback=args.feedback)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    one_blas_thread()
    start = time.time()
    weights = teach_encoder(
        Generator.load(DEFAULT_MODEL),
        cache_dir() / "encoder",
        plan,
        lambda text: print(f"{time.time() - start:6.0f} s  {text}", flush=True),
    )
    write_encoder(weights, args.out, plan=repr(plan))


if __name__ == "__main__":
    main()
