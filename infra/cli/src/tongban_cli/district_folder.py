"""infra/districts as people keep it in git: a folder a district, and the folder `trust` with what everybody may see.

<code>/local.yaml     names, relation, place on one machine      <code>/values.yaml   its Helm release
<code>/join.json      what it tells those it is to be linked with (district_bundle)
trust/join-<code>.json, registry.json, root.pub.jwk, agreement-<a>-<b>.json
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tongban_cli.district_errors import DistrictError

#: A values.yaml says what is particular to one district; what is longer belongs into the chart.
MOST_LINES = 60
#: Loopback addresses are 127.20.<n>.1.
_MOST_PLACES = 254
_CODE = re.compile(r"[0-9]{6}\Z")


class Districts:
    """The folder of all."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trust = root / "trust"

    def __getitem__(self, code: str) -> DistrictFolder:
        if not _CODE.match(code):
            raise DistrictError("bad_code", f"{code!r} is no division code: six digits (GB/T 2260), as in 320508")
        return DistrictFolder(self, code)

    @property
    def codes(self) -> list[str]:
        """Every district that has a folder, by code."""
        return sorted(path.name for path in self.root.glob("*") if path.is_dir() and _CODE.match(path.name))

    def agreement(self, one: str, other: str) -> Path:
        low, high = sorted((one, other))
        return self.trust / f"agreement-{low}-{high}.json"

    def accepted(self, code: str) -> Path:
        """The bundle of `code` as it was accepted here."""
        return self.trust / f"join-{code}.json"

    def free_place(self) -> int:
        """The next n that no district has. Raises DistrictError where there is none."""
        taken = {self[code].facts().get("n") for code in self.codes}
        free = [n for n in range(1, _MOST_PLACES + 1) if n not in taken]
        if not free:
            raise DistrictError("no_place", f"{_MOST_PLACES} districts stand in {self.root}: take one away first")
        return free[0]


class DistrictFolder:
    """One district's folder."""

    def __init__(self, districts: Districts, code: str) -> None:
        self.districts, self.code = districts, code
        self.path = districts.root / code
        self.local, self.values, self.join = (self.path / name for name in ("local.yaml", "values.yaml", "join.json"))

    def facts(self) -> dict[str, Any]:
        """local.yaml; empty where there is none."""
        return self._read(self.local)

    def release(self) -> dict[str, Any]:
        """values.yaml; empty where there is none."""
        return self._read(self.values)

    def peers(self) -> list[str]:
        """The codes in its values' list of peers."""
        return [str(row["code"]) for row in self.release().get("peers") or ()]

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found = yaml.safe_load(path.read_text()) if path.exists() else {}
        except yaml.YAMLError as error:
            raise DistrictError("bad_file", f"{path} is no YAML: {' '.join(str(error).split())}") from None
        return found if isinstance(found, dict) else {}

    def begin(self, name_zh: str, name_en: str, relation: str, linked_to: Sequence[str]) -> list[Path]:
        """Writes the files that are not there; those that are stay. Returns what it wrote."""
        self.path.mkdir(parents=True, exist_ok=True)
        wanted = {
            self.local: lambda: _local(
                self.code, name_zh, name_en, relation=relation, linked_to=linked_to, n=self.districts.free_place()
            ),
            self.values: lambda: _values(self.code, name_zh, name_en),
        }
        written = []
        for path, text in wanted.items():
            if not path.exists():
                path.write_text(text())
                written.append(path)
        return written

    def add_peer(self, code: str, row: str) -> bool:
        """Puts a line into the list `peers` of values.yaml, in the order of codes; False where the peer is there."""
        if code in self.peers():
            return False
        text = with_peer(self.values.read_text(), code, row)
        self.values.write_text(text)
        return True


def with_peer(text: str, code: str, row: str) -> str:
    """values.yaml with one more line in `peers`; every other line, and every comment, as it was."""
    lines, found = text.splitlines(keepends=True), yaml.compose(text)
    nodes = {key.value: (key, value) for key, value in found.value} if isinstance(found, yaml.MappingNode) else {}
    if "peers" not in nodes:
        return f"{text.rstrip()}\n\npeers:\n{row}\n"
    key, value = nodes["peers"]
    if not isinstance(value, yaml.SequenceNode) or (value.flow_style and value.value):
        raise DistrictError("bad_file", "peers in values.yaml must be a list with one line a peer: write it so")
    if not value.value:
        at = key.start_mark.line
        lines[at : value.end_mark.line + 1] = ["peers:\n", f"{row}\n"]
        return "".join(lines)
    later = [item for item in value.value if _code_of(item) > code]
    # The mark of an item stands after its dash, on the same line; the end of the last one on its own line.
    at = later[0].start_mark.line if later else value.value[-1].end_mark.line + 1
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    lines.insert(at, f"{row}\n")
    return "".join(lines)


def _code_of(item: yaml.Node) -> str:
    return str(yaml.safe_load(yaml.serialize(item))["code"])


def _quoted(text: str) -> str:
    """A YAML scalar that is what it says, whatever characters it has."""
    return yaml.safe_dump(text, allow_unicode=True, default_style='"', width=1000).strip()


def _local(code: str, name_zh: str, name_en: str, *, relation: str, linked_to: Sequence[str], n: int) -> str:
    linked = f"linked_to: [{', '.join(map(_quoted, linked_to))}]\n" if relation == "bilateral" else ""
    return f"""\
code: "{code}"  # GB/T 2260; quoted, a code is not a number
name_zh: {_quoted(name_zh)}
name_en: {_quoted(name_en)}
relation: {relation}
{linked}n: {n}  # 127.20.<n>.1 where it runs on one machine with others
"""


def _values(code: str, name_zh: str, name_en: str) -> str:
    return f"""\
# {name_zh} {name_en}: helm install d{code} charts/district -n d{code} -f infra/districts/{code}/values.yaml
district:
  code: "{code}"
  nameZh: {_quoted(name_zh)}
  nameEn: {_quoted(name_en)}

# For a first district, in a cluster of its own or beside its peers. For people's cases: mode external, both.
broker: {{mode: embedded}}
database: {{mode: embedded}}

courier:
  host: d{code}-courier-inbox.d{code}.svc
  service: {{type: ClusterIP}}

mail:
  host: mail.d{code}.example
  from: no-reply@d{code}.example
  peers: [{{ipBlock: {{cidr: 192.0.2.25/32}}}}]

# `tongban district accept BUNDLE` writes them, one line each.
peers: []
"""
