"""Published networks: licence first, resumed where the connection ended, pinned, then imported."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from checkpoint_files import nvidia_pickle, small_network
from click.testing import CliRunner

from facegen.cli import cli
from facegen.cli import models as models_command
from facegen.errors import FetchError
from facegen.generator import Generator
from facegen.weights import download as download_module
from facegen.weights import ensure_model, entry, registry
from facegen.weights.download import download
from facegen.weights.fetch import is_fetched
from facegen.weights.published import fetch_published, pin_path

NAME = "stylegan2-ffhq-1024"


class Server(ThreadingHTTPServer):
    """Serves `content`; `drops` says after how many bytes the coming answers end."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.tag = '"first"'
        self.drops: list[int] = []
        self.knows_ranges = True
        self.kind = "application/octet-stream"
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/net.pkl"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        same = self.headers.get("If-Range", server.tag) == server.tag
        start = int(re.match(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        if not (wanted and same and server.knows_ranges):
            start = 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.tag)
        if start:
            end = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        self.end_headers()
        self.wfile.write(body[: server.drops.pop(0)] if server.drops else body)

    def log_message(self, *_):
        pass


@cache
def checkpoint() -> bytes:
    return nvidia_pickle(small_network())


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of the network, under the registered name; an empty weights folder."""
    server = Server(checkpoint())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    registered = tuple(replace(e, url=server.url) if e.url else e for e in registry.registered())
    monkeypatch.setattr(registry, "registered", lambda: registered)
    monkeypatch.setattr(models_command, "registered", lambda: registered)
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("NO_PROXY", "*")
    yield server
    server.shutdown()
    server.server_close()


def run(*arguments, text=None):
    return CliRunner().invoke(cli, ["models", "fetch", NAME, *arguments], input=text)


def left(tmp_path) -> list[str]:
    folder = tmp_path / "weights"
    return sorted(p.name for p in folder.rglob("*") if p.is_file()) if folder.exists() else []


@pytest.mark.long
def test_fetched_imported_and_usable(server, tmp_path):
    assert not is_fetched(entry(NAME))
    done = run("--accept-licence")
    assert done.exit_code == 0, done.output
    assert "Nvidia Source Code License-NC" in done.output
    assert left(tmp_path) == [f"{NAME}.json", f"{NAME}.safetensors", f"{NAME}.sha256"]
    digest = hashlib.sha256(checkpoint()).hexdigest()
    assert pin_path(NAME).read_text(encoding="ascii") == f"{digest}  net.pkl\n"
    assert is_fetched(entry(NAME))
    assert Generator.load(NAME).img_resolution == 64
    assert run("--accept-licence").exit_code == 0
    assert len(server.asked) == 1, "what is here is not fetched again"


@pytest.mark.long
def test_nothing_is_fetched_before_the_licence_is_accepted(server, monkeypatch):
    unasked = run()
    assert unasked.exit_code == 1
    assert "accepted; add --accept-licence" in unasked.output
    monkeypatch.setattr(models_command, "_can_ask", lambda: True)
    refused = run(text="n\n")
    assert refused.exit_code == 1
    assert "382 MB" in refused.output
    assert "License-NC" in refused.output
    assert "was not accepted" in refused.output
    assert server.asked == []
    assert run(text="y\n").exit_code == 0
    assert server.asked == [None]


def test_all_leaves_out_what_needs_a_licence_accepted(server, monkeypatch):
    fetched = []
    monkeypatch.setattr(models_command, "ensure_model", lambda n, *_, **__: fetched.append(n))
    monkeypatch.setattr(models_command, "ensure_files", lambda n, *_, **__: fetched.append(n))
    done = CliRunner().invoke(cli, ["models", "fetch", "--all"])
    assert done.exit_code == 0
    assert f"{NAME}: left out" in done.output
    assert "dlib-face" in fetched
    assert server.asked == []


def test_using_it_before_says_how_to_get_it(server):
    with pytest.raises(FetchError, match=rf"not here yet\. Run .*models fetch {NAME}`"):
        ensure_model(NAME)
    assert server.asked == []


def test_a_dropped_connection_is_taken_up_again(server, tmp_path):
    server.drops = [300_000, 200_000]
    seen = []
    path = download(server.url, tmp_path / "net.pkl", progress=lambda *now: seen.append(now))
    assert path.read_bytes() == server.content
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]
    assert seen[-1] == (len(server.content),) * 2
    assert [p.name for p in tmp_path.iterdir()] == ["net.pkl"]


def test_a_later_run_goes_on(server, tmp_path):
    server.drops = [500_000] + [1000] * 20
    with pytest.raises(FetchError, match="ended after .* MB"):
        fetch_published(NAME)
    assert left(tmp_path) == ["net.pkl.part", "net.pkl.tag"]
    server.drops = []
    fetch_published(NAME)
    assert server.asked[-1] == f"bytes={500_000 + 4 * 1000}-"
    assert left(tmp_path) == [f"{NAME}.json", f"{NAME}.safetensors", f"{NAME}.sha256"]


@pytest.mark.parametrize("change", ["no ranges", "another file"])
def test_halves_of_two_files_are_never_joined(server, tmp_path, change):
    server.drops = [400_000]
    if change == "no ranges":
        server.knows_ranges = False
    part = tmp_path / "net.pkl.part"
    part.write_bytes(b"x" * 1000)
    part.with_suffix(".tag").write_text('"older"', encoding="ascii")
    path = download(server.url, tmp_path / "net.pkl")
    assert path.read_bytes() == server.content


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path):
    (tmp_path / "net.pkl.part").write_bytes(bytes(len(server.content) + 5))
    assert download(server.url, tmp_path / "net.pkl").read_bytes() == server.content


@pytest.mark.long
def test_another_file_than_the_pinned_is_refused(server, tmp_path):
    fetch_published(NAME)
    before = entry(NAME).weights_path.read_bytes()
    server.content = nvidia_pickle(small_network(seed=1))
    with pytest.raises(FetchError, match="as when it was first imported") as caught:
        fetch_published(NAME, again=True)
    assert str(pin_path(NAME)) in str(caught.value)
    assert entry(NAME).weights_path.read_bytes() == before
    assert not any("download" in name or "net.pkl" in name for name in left(tmp_path))
    pin_path(NAME).unlink()
    fetch_published(NAME, again=True)
    assert entry(NAME).weights_path.read_bytes() != before


def test_a_file_at_hand_is_pinned_too(server, tmp_path):
    mine = tmp_path / "mine.pkl"
    mine.write_bytes(checkpoint())
    fetch_published(NAME, file=mine)
    assert server.asked == []
    assert mine.exists()
    other = tmp_path / "other.pkl"
    other.write_bytes(nvidia_pickle(small_network(seed=1)))
    with pytest.raises(FetchError, match="first imported"):
        fetch_published(NAME, file=other, again=True)
    with pytest.raises(FetchError, match="is not a file"):
        fetch_published(NAME, file=tmp_path / "none.pkl", again=True)


def test_a_web_page_in_its_place_is_refused(server, tmp_path):
    server.kind = "text/html; charset=utf-8"
    done = run("--accept-licence")
    assert done.exit_code == 1
    assert "a web page instead of the file" in done.output
    assert left(tmp_path) == []


def test_something_else_in_its_place_is_refused(server, tmp_path):
    server.content = b"PK\x03\x04 and nothing more"
    done = run("--accept-licence")
    assert done.exit_code == 1
    assert "damaged" in done.output
    assert left(tmp_path) == []


def test_without_a_network_one_sentence(server, tmp_path):
    server.shutdown()
    server.server_close()
    done = run("--accept-licence")
    assert done.exit_code == 1
    assert "could not be fetched" in done.output
    assert "Traceback" not in done.output
    assert left(tmp_path) == []


def test_a_full_disk_is_told_and_what_came_is_kept(server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    with monkeypatch.context() as patch:
        patch.setattr(download_module.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(FetchError, match="still to come. Make room"):
            fetch_published(NAME)

    class Full:
        def __init__(self, file):
            self.file = file
            self.room = 600_000

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, block):
            self.room -= len(block)
            if self.room < 0:
                raise OSError(28, "No space left on device")
            return self.file.write(block)

    real_open = Path.open

    def limited(path, mode="r", *args, **kwargs):
        file = real_open(path, mode, *args, **kwargs)
        return Full(file) if path.suffix == ".part" and mode in ("wb", "ab") else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", limited)
        with pytest.raises(FetchError, match=r"is full after 1 MB.*goes on from there"):
            fetch_published(NAME)
    assert "net.pkl.part" in left(tmp_path)
    fetch_published(NAME)
    assert server.asked[-1].startswith("bytes=524288-")


def test_a_protected_address_may_not_lead_to_an_unprotected_one(server, tmp_path, monkeypatch):
    real = download_module.urllib.request.urlopen

    def redirected(request, timeout):
        return real(server.url, timeout=timeout)

    monkeypatch.setattr(download_module.urllib.request, "urlopen", redirected)
    with pytest.raises(FetchError, match="unprotected address"):
        download("https://example.org/net.pkl", tmp_path / "net.pkl")
    assert list(tmp_path.iterdir()) == []
