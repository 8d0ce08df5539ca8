"""The unprivileged user that engines and services run as: PostgreSQL refuses root, and nothing of ours needs it."""

from __future__ import annotations

import functools
import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: A system user of our own; made by `runtime_account` where root starts an environment and it is absent.
NAME = "tongban"


@functools.cache
def runtime_account() -> pwd.struct_passwd | None:
    """Whom to become for what we start, or None where we are that user already. Raises LookupError if none can be had."""
    if os.geteuid() != 0:
        return None
    for name in (NAME, "nobody"):  # nobody: where the user data base cannot be written
        try:
            return pwd.getpwnam(name)
        except KeyError:
            if name == NAME:
                make = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
                subprocess.run([*make, "--shell", "/usr/sbin/nologin", NAME], check=False, capture_output=True)
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("there is no unprivileged user to run as: create one named 'tongban'")


def popen_identity() -> dict[str, Any]:
    """The keyword arguments that make `subprocess` start a process as the runtime account."""
    account = runtime_account()
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def own(*paths: Path) -> None:
    """Gives every path, and what is below it, to the runtime account."""
    account = runtime_account()
    if account is None:
        return
    for path in paths:
        if not path.exists():
            continue
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder, name), account.pw_uid, account.pw_gid, follow_symlinks=False)


def own_folder(path: Path, mode: int = 0o700) -> Path:
    """The folder `path`, made if absent, of the runtime account, closed to everyone else."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    account = runtime_account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def keep_file(path: Path, text: str, mode: int = 0o600) -> bool:
    """Makes `path` hold `text`, for the runtime account; True when it did not. A reader never sees half of it."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.chmod(mode)
    own(fresh)
    fresh.replace(path)
    return True


def can_reach(path: Path, mode: str = "-x") -> bool:
    """Whether the runtime account can enter `path` ("-x"), or read it ("-r")."""
    return _as_account(["test", mode, str(path)])


def _as_account(argv: Sequence[str]) -> bool:
    done = subprocess.run(argv, check=False, cwd="/", capture_output=True, **popen_identity())
    return done.returncode == 0
