"""A stand-in for a cluster's node: runs rendered pods for real, as Linux confines them, without Kubernetes.

Each pod has a network of its own on one bridge, with an address that its Services' names lead to; each container a root of
its own that is read-only, its volumes, the user 10001, no capability and no way to gain one, and process number 1. Images
are this machine's /usr, and the tree with its virtual environment. What it leaves out: policies of the network, limits,
ports of Services (a Service's name leads to the pod's address), and every controller.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.charts import Object, Template, templates
from tests.deploy.container import Containers, Secrets

_BRIDGE = "10.77.0"
#: Whatever we start ends with us, however we end.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def missing() -> str:
    """Why there can be no node here; empty where there can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [name for name in ("unshare", "nsenter", "setpriv", "ip", "chroot", "curl") if not shutil.which(name)]
    if absent:
        return f"needs {', '.join(absent)}"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "ip", "link", "add", "br0", "type", "bridge"], check=False, capture_output=True
    )
    return "" if tried.returncode == 0 else "may not make networks"


@dataclass
class Running:
    """A container that was started."""

    process: subprocess.Popen[bytes]
    log: Path

    def first(self) -> int | None:
        """Its first process, as the machine numbers it; None before and after it runs."""
        try:
            said = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except FileNotFoundError:
            return None
        return int(said[0]) if said else None

    @property
    def pid(self) -> int:
        """The same of one that runs."""
        pid = self.first()
        assert pid is not None, "it does not run"
        return pid

    def stop(self, timeout_s: float = 30) -> int:
        """As the kubelet does: SIGTERM, and its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(timeout_s)


@dataclass
class Node:
    """Everything of it is below `folder`; nothing of it outlives `close`."""

    folder: Path
    secrets: Secrets
    running: dict[str, Running] = field(default_factory=dict)
    #: What Jobs said that ended.
    said: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pods: dict[str, Template] = {}
        self._address: dict[str, str] = {}
        self._pauses: dict[str, subprocess.Popen[bytes]] = {}
        self._containers = Containers(self.folder, self.secrets)
        script = f"ip link set lo up; ip link add br0 type bridge; ip addr add {_BRIDGE}.1/24 dev br0; ip link set br0 up; exec sleep infinity"
        self._holder = subprocess.Popen([*_WITH_US, "unshare", "--net", "sh", "-ec", script], start_new_session=True)
        self._wait(
            lambda: self._inside(self._holder.pid, "ip", "-br", "addr", "show", "br0").returncode == 0, "the bridge"
        )

    def close(self) -> None:
        """Ends every process of it; AssertionError where one is left."""
        inside = [pid for running in self.running.values() if (pid := running.first())]
        for one in (*(running.process for running in self.running.values()), *self._pauses.values(), self._holder):
            if one.poll() is None:
                one.kill()
            one.wait()
        self._wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in inside), "every container to end")

    # What is to run ---------------------------------------------------------------------------------------------------

    def apply(self, objects: Sequence[Object]) -> None:
        """Learns of the objects; starts nothing."""
        for pod in templates(objects):
            self._pods[pod.name] = pod
            self._address.setdefault(pod.name, f"{_BRIDGE}.{len(self._address) + 10}")
        self._containers.maps |= {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
        for one in objects:
            if one["kind"] == "Service":
                wanted = one["spec"]["selector"].items()
                (pod,) = (found for found in self._pods.values() if wanted <= found.labels.items())
                name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
                self._containers.hosts |= {
                    name: self._address[pod.name],
                    f"{name}.{namespace}.svc": self._address[pod.name],
                }

    def names(self, kind: str) -> list[str]:
        return [name for name, pod in self._pods.items() if pod.kind == kind]

    def pod(self, name: str) -> Template | None:
        """As it was applied last."""
        return self._pods.get(name)

    # Running it -------------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Runs a pod's first containers one after the other, then starts the one that stays."""
        pod = self._pods[name]
        for container in pod.spec.get("initContainers", ()):
            self._finish(pod, container)
        (container,) = pod.spec["containers"]
        self.running[name] = self._start(pod, container)

    def finish(self, name: str, timeout_s: float = 90) -> str:
        """Runs a Job's or a test's pod to its end; what it said. Raises AssertionError when it failed."""
        pod = self._pods[name]
        (container,) = pod.spec["containers"]
        return self._finish(pod, container, timeout_s)

    def finish_all(self, names: Sequence[str], timeout_s: float = 240) -> None:
        """Runs Jobs beside each other. Raises AssertionError, for the first that failed."""
        started = {name: self._start(self._pods[name], self._pods[name].spec["containers"][0]) for name in names}
        until = time.monotonic() + timeout_s
        for name, one in started.items():
            status = one.process.wait(max(1.0, until - time.monotonic()))
            self.said[name] = one.log.read_text(errors="replace")
            assert status == 0, f"{name}: {status}\n{one.log.read_text(errors='replace')[-3000:]}"

    def _finish(self, pod: Template, container: Object, timeout_s: float = 90) -> str:
        one = self._start(pod, container)
        try:
            status = one.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            status = None
            one.process.kill()
        said = one.log.read_text(errors="replace")
        assert status == 0, f"{pod.name}, {container['name']}: {status}\n{said[-3000:]}"
        return said

    def exec(self, name: str, *argv: str, stdin: bytes = b"") -> str:
        """What a command beside the container's own says. Raises AssertionError where it fails."""
        done = self.command(name, *argv, stdin=stdin)
        assert done.returncode == 0, (argv, done.stderr.decode()[-2000:])
        return done.stdout.decode()

    def command(self, name: str, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """`kubectl exec`: a command beside the container's own, confined alike."""
        pod = self._pods[name]
        (container,) = pod.spec["containers"]
        enter = ["nsenter", "-t", str(self.running[name].pid), "-m", "-p", "-n", "-r", "--wdns=/"]
        command = [*enter, *self._containers.confined(container, argv)]
        return subprocess.run(command, input=stdin, check=False, capture_output=True)

    def is_ready(self, name: str) -> bool:
        """What the readiness probe says."""
        probe = self._pods[name].spec["containers"][0]["readinessProbe"]
        ports = {port["name"]: port["containerPort"] for port in self._pods[name].spec["containers"][0]["ports"]}
        if "exec" in probe:
            try:
                self.exec(name, *probe["exec"]["command"])
            except AssertionError:
                return False
            return True
        if "tcpSocket" in probe:
            target = f"/dev/tcp/{self._address[name]}/{ports[probe['tcpSocket']['port']]}"
            return self._inside(self._holder.pid, "bash", "-c", f"exec 3<>{target}").returncode == 0
        url = f"http://{self._address[name]}:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}"
        return self._inside(self._holder.pid, "curl", "-fsS", "-m", "4", url).returncode == 0

    def wait_ready(self, name: str, timeout_s: float = 120) -> None:
        running = self.running[name]

        def there() -> bool:
            assert running.process.poll() is None, f"{name} ended:\n{running.log.read_text(errors='replace')[-3000:]}"
            return self.is_ready(name)

        self._wait(there, f"{name} (log: {running.log})", timeout_s)

    # A container ------------------------------------------------------------------------------------------------------

    def _start(self, pod: Template, container: Object) -> Running:
        self._pause(pod.name)
        home = self.folder / pod.name
        script = home / f"{container['name']}.sh"
        script.write_text(self._containers.script(pod, container))
        log = home / f"{container['name']}.log"
        argv = [*_WITH_US, "nsenter", "-t", str(self._pauses[pod.name].pid), "--net"]
        argv += ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", str(script)]
        with log.open("wb") as out:
            return Running(
                subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True), log
            )

    def _pause(self, name: str) -> None:
        """The pod's own network."""
        if name in self._pauses:
            return
        (self.folder / name).mkdir(parents=True)
        holder = self._holder.pid
        pause = self._pauses[name] = subprocess.Popen(
            [*_WITH_US, "nsenter", "-t", str(holder), "--net", "unshare", "--net", "sleep", "infinity"]
        )
        address, number = self._address[name], self._address[name].rpartition(".")[2]
        apart = f"readlink /proc/{pause.pid}/ns/net"
        self._wait(
            lambda: (
                _said(apart) != _said(f"readlink /proc/{holder}/ns/net")
                and _said(apart) != _said("readlink /proc/self/ns/net")
            ),
            name,
        )
        made = self._inside(
            holder, "ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", str(pause.pid)
        )
        assert made.returncode == 0, made.stderr
        self._inside(holder, "ip", "link", "set", f"v{number}", "master", "br0", "up")
        self._inside(
            pause.pid, "sh", "-ec", f"ip link set lo up; ip addr add {address}/24 dev eth0; ip link set eth0 up"
        )

    # ------------------------------------------------------------------------------------------------------------------

    @staticmethod
    def _inside(pid: int, *argv: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the network of a process."""
        return subprocess.run(["nsenter", "-t", str(pid), "--net", *argv], check=False, capture_output=True, text=True)

    @staticmethod
    def _wait(condition: Any, what: str, timeout_s: float = 20) -> None:
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until, f"waited {timeout_s:g} s for {what}"
            time.sleep(0.2)


def _said(command: str) -> str:
    return subprocess.run(shlex.split(command), check=False, capture_output=True, text=True).stdout.strip()
