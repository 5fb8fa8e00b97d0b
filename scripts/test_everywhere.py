"""Run the tests as other machines would: `python -m scripts.test_everywhere [SETTING…] [-- ARGS]`.

Settings: `plain`, `threads-1`, `threads-2`, `threads-4` (OMP_NUM_THREADS), `avx2` (no library uses
AVX-512 or AMX), `busy` (a process on every core that counts without end). All of them unless some
are named; what stands after -- goes to pytest. Prints a table; fails if one setting fails.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
TAIL_LINES = 12
COUNT = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"  # ends with it


@dataclass(frozen=True)
class Setting:
    """Environment variables of the tests, and whether other work keeps the cores busy."""

    variables: dict[str, str] = field(default_factory=dict)
    is_busy: bool = False


def avx2_variables() -> dict[str, str]:
    """What keeps each library from instructions beyond AVX2."""
    from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched

    newer = [name for name in dispatched if name.startswith("AVX512") or name == "X86_V4"]
    return {
        "ONEDNN_MAX_CPU_ISA": "AVX2",  # PyTorch's and OpenVINO's convolutions
        "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own loops
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",  # PyTorch's BLAS
        "OPENBLAS_CORETYPE": "Haswell",  # the BLAS of NumPy and SciPy
        "NPY_DISABLE_CPU_FEATURES": " ".join(newer),
        "OPENCV_CPU_DISABLE": "AVX512-SKX",
    }


def settings() -> dict[str, Setting]:
    """All settings by name."""
    threads = {f"threads-{n}": Setting({"OMP_NUM_THREADS": str(n)}) for n in (1, 2, 4)}
    return {
        "plain": Setting(),
        **threads,
        "avx2": Setting(avx2_variables()),
        "busy": Setting(is_busy=True),
    }


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with work of the same priority."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            process = subprocess.Popen([sys.executable, "-c", COUNT])
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def run(name: str, setting: Setting, arguments: list[str]) -> tuple[bool, str]:
    """Run the tests once; gives whether they passed and a row of the table."""
    start = time.monotonic()
    with ExitStack() as stack, tempfile.TemporaryFile("w+") as log:
        if setting.is_busy:
            stack.enter_context(busy_cores())
        code = subprocess.call(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=ROOT, env=os.environ | setting.variables, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log.seek(0)
        lines = log.read().splitlines()
    minutes = (time.monotonic() - start) / 60
    if code:
        print("\n".join(lines[-TAIL_LINES:]), file=sys.stderr)
    summary = next(
        (line for line in reversed(lines) if re.search(r"\d+ (passed|failed)", line)), ""
    )
    counts = {word: n for n, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", summary)}
    failed = counts.get("failed", "0")
    return code == 0, f"| {name} | {counts.get('passed', '0')} | {failed} | {minutes:.1f} |"


def main() -> None:
    known, given = settings(), sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", nargs="*", metavar="SETTING")
    chosen = parser.parse_args(given[:cut]).settings or list(known)
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"No setting is called '{unknown[0]}'. Known: {', '.join(known)}.")
    print("| setting | passed | failed | minutes |\n| --- | --- | --- | --- |")
    is_good = True
    for name in chosen:
        passed, row = run(name, known[name], given[cut + 1 :])
        print(row, flush=True)
        is_good = is_good and passed
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
