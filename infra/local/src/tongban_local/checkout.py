"""Where this checkout's code and data are, so that the unprivileged account can read the one and write the other."""

from __future__ import annotations

import compileall
import fcntl
import functools
import hashlib
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from tongban_local.account import can_reach, runtime_account

ROOT = Path(__file__).resolve().parents[4]
BUILD = ROOT / "build"
#: What a service process needs of the tree.
_CODE = ("services", "infra", "proto/python", "requirements")


@dataclass(frozen=True)
class Code:
    """The interpreter and the sources that the runtime account can use."""

    root: Path
    python: Path

    def environ(self) -> dict[str, str]:
        """What a process needs to import from it; nothing where the venv already points at the same tree."""
        if self.root == ROOT:
            return {}
        return {"PYTHONPATH": os.pathsep.join(map(str, source_folders(self.root)))}


def source_folders(root: Path) -> list[Path]:
    """The import roots of the tree at `root`."""
    return [*sorted(root.glob("services/*/src")), *sorted(root.glob("infra/*/src")), root / "proto" / "python"]


def scratch() -> Path:
    """The folder for what runs: build/ where the account can reach it, else one of this checkout's own in /var/tmp."""
    BUILD.mkdir(exist_ok=True)
    if runtime_account() is None or can_reach(BUILD):
        return BUILD
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    return _safe_folder(Path("/var/tmp") / f"tongban-{name}")  # noqa: S108  checked: ours, and nobody else's to write


def _safe_folder(path: Path) -> Path:
    """`path` as a folder of ours. Anybody may make names in /var/tmp, so one that is not ours is refused."""
    try:
        path.mkdir(mode=0o755)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise PermissionError(f"{path} exists and is not ours: remove it") from None
    path.chmod(0o755)
    return path


def linked(name: str) -> Path:
    """The folder build/<name>; where the account cannot reach build/, that is a link to the place in /var/tmp."""
    place = scratch() / name
    place.mkdir(exist_ok=True)
    link = BUILD / name
    if place != link:
        if link.is_symlink():
            link.unlink()
        link.symlink_to(place)
    return place


@functools.cache
def code() -> Code:
    """The code as the account can read it: this tree, or a fresh copy of it where the tree is out of its reach."""
    python = Path(sys.prefix, "bin", "python")
    python_reached = python if can_reach(python) else Path(os.path.realpath(sys.prefix), "bin", "python")
    if runtime_account() is None or can_reach(ROOT / "services"):
        return Code(ROOT, python_reached)
    mirror = scratch() / "code"
    with (scratch() / "code.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _mirror(mirror)
    return Code(mirror, python_reached)


def _mirror(target: Path) -> None:
    stamp, files = target / ".stamp", _files()
    wanted = hashlib.sha256(repr(files).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, _time, _size in files:
        copy = fresh / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    compileall.compile_dir(fresh, quiet=2)
    (fresh / ".stamp").write_text(wanted)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def _files() -> list[tuple[str, int, int]]:
    """What the copy holds: name, time of the last change, size."""
    found = []
    for part in _CODE:
        for path in sorted((ROOT / part).rglob("*")):
            name = path.relative_to(ROOT)
            if path.is_file() and path.suffix != ".pyc" and not {"node_modules", "tests"} & set(name.parts):
                found.append((str(name), path.stat().st_mtime_ns, path.stat().st_size))
    return found
