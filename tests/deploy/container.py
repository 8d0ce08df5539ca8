"""The file system, the variables and the confinement of one container, as a kubelet would make them; see node.py."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tongban_local.checkout import ROOT, source_folders

from tests.deploy.charts import Object, Template

Secrets = Mapping[str, Mapping[str, bytes]]

UID = 10001
_CODE, _VENV = Path("/srv/tongban"), Path("/srv/venv")
_CONFINED = (
    "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
    "--pdeathsig", "KILL",  # again: the kernel forgets it when a process becomes somebody else
)  # fmt: skip


@dataclass
class Containers:
    """What containers are made from: Secrets and ConfigMaps by name, and addresses by the names of Services."""

    folder: Path
    secrets: Secrets
    maps: dict[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)

    def script(self, pod: Template, container: Object) -> str:
        """What makes the container's root and becomes its first process; run in name spaces of its own."""
        root = self.folder / pod.name / f"{container['name']}.root"
        root.mkdir(exist_ok=True)
        r = shlex.quote(str(root))
        lines = [
            "mount --make-rprivate /",
            f"mount -t tmpfs -o mode=755 tmpfs {r}",
            f"cd {r}; mkdir -p usr etc proc dev sys tmp run var/lib srv/tongban .{_VENV}",
            "for name in bin sbin lib lib64; do if [ -L /$name ]; then cp -P /$name $name; fi; done",
            "mount --rbind /usr usr; mount --rbind /dev dev; mount -t proc proc proc",
            f"mount --bind {shlex.quote(str(Path(sys.prefix).resolve()))} .{_VENV}; mount --bind {shlex.quote(str(ROOT))} .{_CODE}",
            "for name in ssl alternatives ld.so.cache nsswitch.conf localtime os-release; do cp -aL /etc/$name etc/; done",
            "printf 'root:x:0:0::/:/bin/sh\\n' >etc/passwd; printf 'root:x:0:\\n' >etc/group",
            f"cat >etc/hosts <<'END'\n127.0.0.1 localhost\n{self._host_lines()}END",
        ]
        sources = {volume["name"]: self._volume(pod, volume) for volume in pod.spec["volumes"]}
        for mount in container["volumeMounts"]:
            lines += self._mount(sources.get(mount["name"]) or self._claim(pod, mount["name"]), mount)
        argv = self.confined(container, container["command"])
        return "\n".join([*lines, f"mount -o remount,ro {r}", f"exec chroot {r} {shlex.join(argv)}", ""])

    def _mount(self, source: Path, mount: Object) -> list[str]:
        path = shlex.quote(f".{mount['mountPath']}")
        if "subPath" in mount:
            return [
                f"mkdir -p $(dirname {path}); touch {path}; mount --bind {shlex.quote(str(source / mount['subPath']))} {path}"
            ]
        made = [f"mkdir -p {path}; mount --bind {shlex.quote(str(source))} {path}"]
        return [*made, f"mount -o remount,ro,bind {path}"] if mount.get("readOnly") else made

    def _host_lines(self) -> str:
        return "".join(f"{address} {name}\n" for name, address in sorted(self.hosts.items()))

    def _claim(self, pod: Template, name: str) -> Path:
        """A volume that outlives the pod."""
        return self._folder(self.folder / pod.name / "claims" / name)

    def _volume(self, pod: Template, volume: Object) -> Path:
        path = self._folder(self.folder / pod.name / "volumes" / volume["name"])
        if "configMap" in volume:
            for key, text in self.maps[volume["configMap"]["name"]].items():
                (path / key).write_text(text)
        if "secret" in volume:
            told = self.secrets[volume["secret"]["secretName"]]
            items = volume["secret"].get("items") or [{"key": key, "path": key} for key in told]
            for item in items:
                file = path / item["path"]
                file.write_bytes(told[item["key"]])
                file.chmod(volume["secret"]["defaultMode"])
                os.chown(file, 0, UID)
        return path

    @staticmethod
    def _folder(path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o2775)
        os.chown(path, 0, UID)
        return path

    def confined(self, container: Object, argv: Sequence[str]) -> list[str]:
        """A command as the container's user, with its variables and nothing else."""
        path = f"{_VENV}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        imports = ":".join(str(_CODE / folder.relative_to(ROOT)) for folder in source_folders(ROOT))
        image = {"PATH": path, "PYTHONPATH": imports, "PYTHONDONTWRITEBYTECODE": "1"}
        variables = [f"{key}={value}" for key, value in {**image, **self.environ(container)}.items()]
        return [*_CONFINED, "env", "-i", *variables, *argv]

    def environ(self, container: Object) -> dict[str, str]:
        """As the kubelet makes it."""
        made: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            made |= self.maps[source["configMapRef"]["name"]]
        for row in container.get("env", ()):
            if "valueFrom" in row:
                reference = row["valueFrom"]["secretKeyRef"]
                if reference.get("optional") and reference["key"] not in self.secrets.get(reference["name"], {}):
                    continue
                made[row["name"]] = self.secrets[reference["name"]][reference["key"]].decode()
            else:
                made[row["name"]] = re.sub(r"\$\((\w+)\)", lambda found: made[found[1]], row["value"])
        return made
