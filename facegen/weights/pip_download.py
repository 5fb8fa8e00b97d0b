"""Downloads one file of a package index with pip, whichever pip there is.

pip honours the user's own index, proxy and certificates, so nothing here names a host. Any pip from
version 22 on will do. An environment without one (`uv` makes such) borrows it: from Python's own
`ensurepip`, or else from `uv`. How far a download is, is read from the size of the file that grows,
which works with every version.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from facegen.errors import FetchError

POLL_S = 0.2
LONGEST_REASON = 300


def pip_download(
    requirement: str, folder: Path, file_name: str, *, report: Callable[[int], None] | None = None
) -> None:
    """Have pip put exactly the file that a requirement names into a folder.

    Args:
        requirement: `name==version --hash=sha256:…`.
        folder: Where the file goes; also holds what pip needs on the way, so remove it afterwards.
        file_name: The file to wait for.
        report: Called several times a second with the bytes that are here. What it raises ends the
            download.

    Raises:
        FetchError: With the reason as pip gives it, a sentence without advice.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{requirement}\n", encoding="utf-8")
    scratch = folder / "tmp"  # pip's own temporary files: the growing file lies there
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONIOENCODING": "utf-8"}
    command = [
        *pip_command(folder), "download", "--no-deps", "--require-hashes", "--no-input",
        "--disable-pip-version-check", "--progress-bar", "off",
        "--dest", str(folder), "--requirement", str(wanted),
    ]  # fmt: skip
    written = folder / "output.txt"
    with written.open("wb") as output, _running(command, environment, output) as process:
        while True:
            try:
                process.wait(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                if report:  # also while nothing arrives: it is how a caller gives up
                    report(_largest(folder, file_name))
    if process.returncode != 0:
        raise FetchError(reason_of(written.read_text(encoding="utf-8", errors="replace")))


def pip_command(folder: Path) -> list[str]:
    """How to start pip: this environment's own, or one borrowed into `folder`.

    Raises:
        FetchError: There is none, and none to be had.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    tried: list[str] = []
    if importlib.util.find_spec("ensurepip"):
        place = folder / "ensurepip"
        failed = _failure([sys.executable, "-m", "ensurepip", "--root", str(place)])
        for start in () if failed else place.rglob("site-packages/pip/__main__.py"):
            return [sys.executable, str(start.parent)]
        tried.append(f"ensurepip: {failed or 'it brought none.'}")
    if uv := os.environ.get("UV") or shutil.which("uv"):
        place = folder / "uv"
        failed = _failure(
            [uv, "pip", "install", "--python", sys.executable, "--target", str(place), "pip"]
        )
        if not failed:
            return [sys.executable, str(place / "pip")]
        tried.append(f"uv: {failed}")
    raise FetchError(
        f"{sys.prefix} has no pip, and none could be borrowed"
        + (f" ({' '.join(tried)})" if tried else " (there is neither ensurepip nor uv)")
        + ". Install pip there."
    )


def reason_of(output: str) -> str:
    r"""The reason in what pip or uv wrote, as a sentence.

    >>> reason_of("Collecting x\nERROR: No matching distribution found for x==1\n")
    'No matching distribution found for x==1.'
    >>> reason_of("Usage: pip\n\nno such option: --what\n[notice] A new release of pip")
    'No such option: --what.'
    """
    lines = [line.strip() for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("[notice]", "hint:"))]
    broken = re.findall(r"after connection broken by '(.*)':", output)
    if broken:  # "no version was found" is what follows from it, not the reason
        text = re.sub(r"^\w+\(|<[^>]*>: |\)$", "", broken[-1]).strip("'\"")
        return _sentence(f"The package index cannot be reached: {text}")
    if "DO NOT MATCH THE HASHES" in output:
        got = re.search(r"Got\s+(\w+)", output)
        what = f" (its SHA-256 starts {got[1][:12]}…)" if got else ""
        return f"The index has another file of this name and version than the registered one{what}."
    causes = [line.removeprefix("cause: ") for line in lines if line.startswith("cause: ")]
    errors = [line[7:] for line in lines if line.lower().startswith("error: ")]
    errors = [line for line in errors if line != "Exception:"]  # its text is the last line
    chosen = (causes[-1:] or errors[-1:] or lines[-1:] or ["it ended without a word"])[0]
    return _sentence(re.sub(r"^(?:\w+\.)+(?=\w+(?:Error|URL|Exception)\b)", "", chosen))


def _sentence(text: str) -> str:
    text = text[:LONGEST_REASON].rstrip(" .")
    return f"{text[:1].upper()}{text[1:]}."


def _largest(folder: Path, file_name: str) -> int:
    """Size of the growing file, wherever in the folder it lies by now."""
    sizes = [0]
    for place, _, names in os.walk(folder):
        if file_name in names:
            try:
                sizes.append((Path(place) / file_name).stat().st_size)
            except FileNotFoundError:  # pip has just moved it
                continue
    return max(sizes)


def _failure(command: Sequence[str]) -> str:
    """Run a command; why it failed, or an empty text."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as err:
        return _sentence(str(err))
    return reason_of(done.stdout + done.stderr) if done.returncode else ""


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str], output: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block, however it is left."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
    )  # type: ignore[call-overload]
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
