"""Downloads one large file so that a lost connection costs only what was lost.

Bytes go to a `.part` file that a later run continues. The server's tag of the file is kept beside
it, so that halves of two different files are never joined.
"""

from __future__ import annotations

import errno
import http.client
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from facegen.errors import FetchError
from facegen.files import make_folder
from facegen.protocols import Progress
from facegen.version import __version__

"""Called with (bytes done, bytes in all)."""

BLOCK_BYTES = 1 << 18
MAX_BYTES = 4 << 30
TIMEOUT_S = 30.0
ATTEMPTS = 5


class _Lost(Exception):
    """The connection ended before the file did."""


def download(url: str, target: Path, *, progress: Progress | None = None) -> Path:
    """Fetch `url` to `target`; goes on where an earlier attempt ended.

    Args:
        url: http or https.
        target: Where the file goes once it is whole; `.part` and `.tag` lie beside it before.
        progress: Called while bytes arrive.

    Raises:
        SaveError: the folder cannot be written.
        FetchError: no network, no such file, a web page in its place, or a full disk. What
            arrived is kept for the next run.
    """
    part = target.with_name(f"{target.name}.part")
    make_folder(part.parent, advice="Set FACEGEN_DATA to a folder of yours.")
    reason = ""
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            _attempt(url, part, progress)
            part.replace(target)
            _tag_path(part).unlink(missing_ok=True)
            return target
        except _Lost as err:
            reason = str(err)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as err:
            reason = _reason(err)
            if _size(part) == before:  # nothing came: more attempts would not help
                break
        except OSError as err:
            if err.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise FetchError(
                    f"The disk of {part.parent} is full after {_size(part) / 1e6:.0f} MB. Free "
                    "some space, or set FACEGEN_WEIGHTS to another folder, and run it again: it "
                    "goes on from there."
                ) from err
            reason = _reason(err)
            if _size(part) == before:
                break
    kept = _size(part) / 1e6
    raise FetchError(
        f"{url} could not be fetched ({reason}). Check the network and run it again"
        + (f": it goes on after the {kept:.0f} MB that are here." if kept >= 1 else ".")
    )


def _attempt(url: str, part: Path, progress: Progress | None) -> None:
    have = _size(part)
    tag = _tag_path(part).read_text(encoding="ascii") if have and _tag_path(part).exists() else ""
    headers = {"User-Agent": f"facegen/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag:
            headers["If-Range"] = tag
    try:
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S
        )
    except urllib.error.HTTPError as err:
        if err.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            part.unlink()  # longer than the file: it was another one
            raise _Lost("the file on the server has changed") from err
        raise
    with response:
        if url.startswith("https:") and not response.url.startswith("https:"):
            raise FetchError(
                f"{url} leads to an unprotected address; it is not fetched from there."
            )
        if "html" in response.headers.get("Content-Type", ""):
            raise FetchError(
                f"{url} answered with a web page instead of the file; fetch it in a browser and "
                "give it with --file."
            )
        have = _continues_at(response, have)
        total = have + int(response.headers.get("Content-Length") or 0)
        _check_room(part, total, have)
        _keep_tag(part, response.headers.get("ETag", ""))
        with part.open("ab" if have else "wb") as file:
            done = have
            while block := response.read(BLOCK_BYTES):
                done += len(block)
                if done > MAX_BYTES:
                    raise FetchError(f"{url} is larger than any checkpoint; it is not fetched.")
                file.write(block)
                if progress:
                    progress(done, max(total, done))
    if done < total:
        raise _Lost(f"the connection ended after {done / 1e6:.1f} of {total / 1e6:.1f} MB")


def _continues_at(response: http.client.HTTPResponse, have: int) -> int:
    """Bytes to keep: all, or none if the server sends the whole file."""
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if response.status == http.HTTPStatus.PARTIAL_CONTENT and match and int(match[1]) == have:
        return have
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        raise _Lost("the server sent another part than asked for")
    return 0


def _check_room(part: Path, total: int, have: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total - have > free:
        raise FetchError(
            f"{part.parent} has {free / 1e6:.0f} MB free, and {(total - have) / 1e6:.0f} MB are "
            "still to come. Make room, or set FACEGEN_WEIGHTS to another folder."
        )


def _keep_tag(part: Path, tag: str) -> None:
    """Remember a strong tag; a weak one does not vouch for bytes."""
    if tag.startswith('"') and tag.isascii():
        _tag_path(part).write_text(tag, encoding="ascii")
    else:
        _tag_path(part).unlink(missing_ok=True)


def _tag_path(part: Path) -> Path:
    return part.with_suffix(".tag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(err: Exception) -> str:
    if isinstance(err, urllib.error.HTTPError):
        return f"the server answered {err.code}"
    cause = err.reason if isinstance(err, urllib.error.URLError) else err
    return str(getattr(cause, "strerror", None) or cause or type(err).__name__)
