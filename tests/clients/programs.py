"""Programs of others in processes of their own, as the unprivileged account, ended with the test."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tongban_local.account import keep_file, own_folder, popen_identity
from tongban_local.checkout import ROOT
from tongban_local.processes import plain_environ

from .district import Ground

SCRIPTS = ROOT / "tests" / "clients" / "node"
MODULES = ROOT / "build" / "clients" / "node_modules"
#: Node 18, which Debian 12 has, keeps the Web Crypto API behind this; later ones have it anyway.
_NODE = ("node", "--experimental-global-webcrypto")


def node_command(ground: Ground, script: str, *arguments: str) -> list[str]:
    """How to run a script of node/ with the packages that the set-up installed."""
    assert shutil.which("node"), "there is no node; run: infra/setup.sh clients"
    assert MODULES.exists(), f"{MODULES} is missing; run: infra/setup.sh clients"
    folder = own_folder(ground.folder / "node")
    keep_file(folder / script, (SCRIPTS / script).read_text())
    if not (folder / "node_modules").is_symlink():
        (folder / "node_modules").symlink_to(MODULES.resolve())
    return [*_NODE, str(folder / script), *arguments]


def node_environ(ground: Ground) -> dict[str, str]:
    own_authority = {"NODE_EXTRA_CA_CERTS": str(ground.authority.certificate)}
    return plain_environ(ground.folder, ground.engines.district.folder) | own_authority


class Refused(Exception):
    """What the program says it will not do, and why."""

    def __init__(self, code: str, because: str) -> None:
        super().__init__(f"{code}: {because}")
        self.code = code


class Talking:
    """A program that answers a line of JSON with a line of JSON."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log

    def hear(self) -> Any:
        """Raises Refused."""
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        assert line, self._log.read_text()[-4000:]
        told = json.loads(line)
        if "refused" in told:
            raise Refused(told["refused"], told["because"])
        return told["answer"]

    def ask(self, command: str, **fields: Any) -> Any:
        """Raises Refused."""
        print(json.dumps({"command": command, **fields}), file=self._process.stdin, flush=True)
        return self.hear()


@contextmanager
def talking(ground: Ground, command: list[str], environ: Mapping[str, str], log: Path) -> Iterator[Talking]:
    """It runs, and has said so; it is killed when it does not answer within two minutes, or does not end."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=ground.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            **popen_identity(),
        )
    last = threading.Timer(120, process.kill)
    last.start()
    try:
        program = Talking(process, log)
        assert program.hear() == "ready"
        yield program
    finally:
        last.cancel()
        process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]
