"""What a platform engineer's shell finds on a test's node (node.py): `kubectl`, `helm` and `tongban`, as far as the guide uses them.

`helm` renders with the real Helm and the very arguments; what a cluster would do with the objects is done to the node: Jobs
that are new run, pods that changed are stopped and started, `replicas: 0` stops one. `kubectl` knows Secrets, `exec`, `delete` of a
StatefulSet's pod or claim, waiting, and the logs of Jobs. Each is a script that asks this process over a socket.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import yaml
from tongban_cli.helm import installed

from tests.deploy.charts import Object
from tests.deploy.node import Node

#: Status, what goes to standard output, and to standard error.
Said = tuple[int, bytes, bytes]

_ASK = """\
#!{python}
import sys
from multiprocessing.connection import Client
argv = sys.argv[1:]
before = argv[: argv.index("--")] if "--" in argv else argv
reads = {{"-i", "--stdin", "--filename=-"}} & set(before) or ("-f" in before and before[before.index("-f") + 1] == "-")
with Client({socket!r}) as asked:
    asked.send(({name!r}, argv, sys.stdin.buffer.read() if reads else b""))
    status, out, err = asked.recv()
sys.stdout.buffer.write(out)
sys.stderr.buffer.write(err)
sys.exit(status)
"""
_TONGBAN = """\
#!/bin/sh
[ "$1" != district ] || set -- "$@" --districts infra/districts
exec {python} -m tongban_cli "$@"
"""


@dataclass
class Hands:
    """Runs shell blocks with the three commands; everything of it is below `folder`. `close` ends it."""

    node: Node
    folder: Path
    namespaces: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._bin, self._helm_home = self.folder / "bin", self.folder / "helm"
        for path in (self._bin, self._helm_home):
            path.mkdir(parents=True)
        socket = str(self.folder / "hands.sock")
        for name in ("kubectl", "helm"):
            self._script(name, _ASK.format(python=sys.executable, socket=socket, name=name))
        self._script("tongban", _TONGBAN.format(python=sys.executable))
        self._listener = Listener(socket, family="AF_UNIX")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        # Containers end with the thread that started them (PR_SET_PDEATHSIG), so these stay as long as the node.
        self._starters = ThreadPoolExecutor(4)
        self._replicas: dict[str, int] = {}
        self._claims: set[str] = set()
        #: By release: what was set on the command line, and the Jobs that it has.
        self._set: dict[str, list[str]] = {}
        self._applied: dict[str, list[str]] = {}

    def _script(self, name: str, text: str) -> None:
        (self._bin / name).write_text(text)
        (self._bin / name).chmod(0o755)

    def run(self, block: str, cwd: Path, **environ: str) -> str:
        """What a block of commands says, one that fails ends it. Raises AssertionError with what was said."""
        told = {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PYTHONWARNINGS": "ignore",
            **environ,
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=cwd,
            env=told,
            check=False,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def close(self) -> None:
        self._listener.close()
        self._starters.shutdown()

    def _serve(self) -> None:
        while True:
            try:
                asked = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._answer, args=(asked,), daemon=True).start()

    def _answer(self, asked: Connection) -> None:
        with asked:
            name, argv, stdin = asked.recv()
            try:
                said = {"kubectl": self._kubectl, "helm": self._helm}[name](argv, stdin)
            except Exception:  # whoever asked must hear of it
                said = (1, b"", traceback.format_exc().encode())
            asked.send(said)

    # kubectl ----------------------------------------------------------------------------------------------------------

    def _kubectl(self, argv: Sequence[str], stdin: bytes) -> Said:
        verbs: Mapping[str, Callable[[list[str], bytes], Said]] = {
            "create": self._create,
            "label": lambda argv, _: (0, f"namespace/{argv[1]} labeled\n".encode(), b""),
            "apply": self._apply,
            "exec": self._exec,
            "delete": self._delete,
            "wait": self._wait,
            "get": self._get,
            "rollout": self._rollout,
            "logs": self._logs,
        }
        return verbs[argv[0]](list(argv[1:]), stdin)

    def _create(self, argv: list[str], _: bytes) -> Said:
        kind, name = argv
        assert kind == "namespace"
        if name in self.namespaces:
            return 1, b"", f"namespaces {name} already exists\n".encode()
        self.namespaces.add(name)
        return 0, f"namespace/{name} created\n".encode(), b""

    def _apply(self, argv: list[str], stdin: bytes) -> Said:
        said = []
        for one in filter(None, yaml.safe_load_all(stdin)):
            assert (one["kind"], one["metadata"]["namespace"] in self.namespaces) == ("Secret", True), one["metadata"]
            name = one["metadata"]["name"]
            self.node.secrets[name] = {key: value.encode() for key, value in one["stringData"].items()}  # type: ignore[index]
            said.append(f"secret/{name} serverside-applied\n")
        return 0, "".join(said).encode(), b""

    def _exec(self, argv: list[str], stdin: bytes) -> Said:
        at = argv.index("--")
        (target,) = (part for part in argv[:at] if "/" in part)
        done = self.node.command(target.partition("/")[2], *argv[at + 1 :], stdin=stdin)
        return done.returncode, done.stdout, done.stderr

    def _delete(self, argv: list[str], _: bytes) -> Said:
        kind, *names = (part for part in argv if not part.startswith("-") and part not in self.namespaces)
        if kind == "pvc":
            self._claims |= set(names)
            return 0, b"", b""
        assert kind == "pod"
        for name in (one.removesuffix("-0") for one in names):
            self._stop(name)
            for claim in [one for one in self._claims if one == f"data-{name}-0"]:
                shutil.rmtree(self.node.folder / name / "claims" / "data")
                self._claims.remove(claim)
            self._start([name])
        return 0, b"", b""

    def _wait(self, argv: list[str], _: bytes) -> Said:
        """For Jobs: `helm` has run them to their end already, or failed."""
        assert {"--for=condition=Complete", "job"} <= set(argv), argv
        return (0, b"", b"") if self._jobs(argv) else (1, b"", b"error: no matching resources found\n")

    def _logs(self, argv: list[str], _: bytes) -> Said:
        assert {"--prefix", "--tail=1"} <= set(argv), argv
        last = {name: self.node.said[name].splitlines()[-1] for name in self._jobs(argv)}
        return 0, "".join(f"[pod/{name}] {line}\n" for name, line in last.items()).encode(), b""

    def _jobs(self, argv: list[str]) -> list[str]:
        """Jobs of the release as it was applied last, by the one label that is asked for."""
        release, label = argv[argv.index("-n") + 1], argv[argv.index("-l") + 1].split("=")
        return [name for name in self._applied[release] if tuple(label) in self.node.pod(name).labels.items()]  # type: ignore[union-attr]

    def _get(self, argv: list[str], _: bytes) -> Said:
        assert argv[0] == "deployment" and argv[-2:] == ["-o", "name"], argv
        found = self._of("Deployment", argv[argv.index("-n") + 1])
        return 0, "".join(f"deployment.apps/{name}\n" for name in found).encode(), b""

    def _rollout(self, argv: list[str], _: bytes) -> Said:
        assert argv[0] == "status", argv
        name = argv[-1].partition("/")[2]
        if self._replicas[name]:
            self.node.wait_ready(name)
        return 0, f'deployment "{name}" successfully rolled out\n'.encode(), b""

    # helm -------------------------------------------------------------------------------------------------------------

    def _helm(self, argv: Sequence[str], _: bytes) -> Said:
        verb, release, *rest = argv
        if verb == "test":
            return 0, self._starters.submit(self.node.finish, f"{release}-test").result().encode(), b""
        assert verb in ("install", "upgrade")
        if "--reuse-values" in rest:
            rest = [*self._set[release], *(part for part in rest if part != "--reuse-values")]
        self._set[release] = [
            part for at, option in enumerate(rest) if option.startswith("--set") for part in rest[at : at + 2]
        ]
        assert f"d{release[1:]}" in self.namespaces, "the namespace comes first"
        rendered = subprocess.run(
            [str(installed()[4]), "template", release, *[part for part in rest if part != "--wait"]],
            cwd=self.cwd,
            env={"HOME": str(self._helm_home), "PATH": "/usr/bin:/bin"},
            check=False,
            capture_output=True,
        )
        if rendered.returncode:
            return rendered.returncode, rendered.stdout, rendered.stderr
        self._apply_release(release, [one for one in yaml.safe_load_all(rendered.stdout) if one])
        return 0, f"{release}: {verb} done\n".encode(), b""

    #: Where the shell stands: helm's paths begin there.
    cwd: Path = Path()

    def _apply_release(self, release: str, objects: list[Object]) -> None:
        before = {
            name: self.node.pod(name)
            for kind in ("StatefulSet", "Deployment", "Job")
            for name in self._of(kind, release)
        }
        self.node.apply(objects)
        self._replicas |= {
            one["metadata"]["name"]: one["spec"]["replicas"] for one in objects if one["kind"] == "Deployment"
        }
        changed = [name for name, pod in before.items() if self.node.pod(name) != pod]
        for name in self._of("Deployment", release):
            if name in self.node.running and (name in changed or not self._replicas[name]):
                self._stop(name)
        for name in self._of("StatefulSet", release):
            if name in changed:
                self._stop(name)
            if name not in self.node.running:
                self._start([name])
        for name in self._of("StatefulSet", release):
            self.node.wait_ready(name)
        jobs = {one["metadata"]["name"] for one in objects if one["kind"] == "Job"}
        self._applied[release] = sorted(jobs)
        self._starters.submit(self.node.finish_all, sorted(jobs - before.keys())).result()
        todo = [
            name for name in self._of("Deployment", release) if self._replicas[name] and name not in self.node.running
        ]
        self._start(todo)

    def _of(self, kind: str, release: str) -> list[str]:
        return [name for name in self.node.names(kind) if name.startswith(f"{release}-")]

    def _start(self, names: Sequence[str]) -> None:
        list(self._starters.map(self.node.start, names))

    def _stop(self, name: str) -> None:
        pod: Any = self.node.pod(name)
        hook = pod.spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
        running = self.node.running.pop(name, None)
        if running is None:
            return
        if "database.sh" in " ".join(hook):
            self.node.running[name] = running
            self.node.command(name, *hook)
            del self.node.running[name]
            running.process.wait(30)
        elif running.first() is not None:
            running.stop(60)
