"""charts/district/values.yaml as what it says about itself: its keys, their comments, and the schema that follows.

A comment directly above a key describes it; a line `@schema {…}` in it adds to what the value itself says. A mapping takes
the keys it has and no others, unless its `@schema` says otherwise. `serviceDefaults` is also the shape of each service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

_MARK = "@schema "
#: The key whose children are the definition `service`.
_SERVICE = "serviceDefaults"

_STRING: dict[str, Any] = {"type": "string"}
_FREE: dict[str, Any] = {"type": "object"}


def _closed(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": list(required)} if required else {})


_QUANTITY = {"pattern": "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$", "type": ["string", "integer"]}
_QUANTITIES = {"type": "object", "additionalProperties": _QUANTITY}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
#: Shapes that are not one key's own.
DEFINITIONS: dict[str, Any] = {
    "image": _closed(
        {
            "registry": _STRING,
            "repository": {"type": "string", "pattern": "^([a-z0-9]+([._/-][a-z0-9]+)*)?$"},
            "tag": {"type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$"},
            "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
            "pullPolicy": {"enum": ["", "Always", "IfNotPresent", "Never"]},
        }
    ),
    "secret": _closed({"existingSecret": {"type": "string", "pattern": "^[a-z0-9.-]*$"}}),
    "certificate": _closed(
        {
            "existingSecret": {"type": "string", "pattern": "^[a-z0-9.-]*$"},
            "issuerRef": _closed({"name": _STRING, "kind": {"enum": ["Issuer", "ClusterIssuer"]}, "group": _STRING}),
        }
    ),
    "resources": _closed({"requests": _QUANTITIES, "limits": _QUANTITIES}),
    "networkPeer": _closed({"ipBlock": _FREE, "namespaceSelector": _FREE, "podSelector": _FREE}) | {"minProperties": 1},
    "peer": _closed(
        {
            "code": {"type": "string", "pattern": "^[0-9]{6}$"},
            "network": {"type": "array", "items": {"$ref": "#/$defs/networkPeer"}},
            "port": _PORT,
            "suspended": {"type": "boolean"},
            "nameZh": {"type": "string"},
            "nameEn": {"type": "string"},
            "portal": {"type": "string", "pattern": "^(https://[^/]+)?$"},
            "issuer": {"type": "string", "pattern": "^(https://[^/]+)?$"},
        },
        ("code",),
    ),
}


class ValuesError(ValueError):
    """values.yaml says something that cannot be understood; names the line."""


@dataclass
class Value:
    """One key of values.yaml."""

    path: tuple[str, ...]
    default: Any
    text: str
    told: dict[str, Any]
    children: list[Value] = field(default_factory=list)

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def schema(self) -> dict[str, Any]:
        """What may stand here."""
        if "$ref" in self.told:
            return {"$ref": self.told["$ref"]}
        described = {"description": self.text} if self.text else {}
        return described | self._shape() | self.told

    def _shape(self) -> dict[str, Any]:
        if isinstance(self.default, dict):
            if not self.children and "additionalProperties" not in self.told:
                raise ValuesError(f"{self.name}: an empty mapping needs @schema to say what may stand in it")
            if not self.children:
                return {"type": "object"}
            return _closed({child.path[-1]: child.schema() for child in self.children})
        kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
        kind = kinds.get(type(self.default))
        if kind is None:
            raise ValuesError(f"{self.name}: has no default")
        if "enum" in self.told:
            return {}
        return {"type": kind}


def read(text: str) -> list[Value]:
    """The keys at the top, each with its own below it. Raises ValuesError."""
    return list(_children(yaml.compose(text), text.splitlines(), ()))


def _children(node: Any, lines: list[str], path: tuple[str, ...]) -> Iterator[Value]:
    for key, value in node.value:
        described, told = _comment(lines, key)
        here = Value((*path, key.value), SafeConstructor().construct_document(value), described, told)
        if isinstance(value, yaml.MappingNode) and value.value and ("$ref" not in told or key.value == _SERVICE):
            here.children = list(_children(value, lines, here.path))
        yield here


def _comment(lines: list[str], key: Any) -> tuple[str, dict[str, Any]]:
    """What the comment above says, and what its @schema adds."""
    if lines[key.start_mark.line][: key.start_mark.column].strip():
        return "", {}  # inside braces: the line above belongs to the key before
    said: list[str] = []
    told: dict[str, Any] = {}
    number = key.start_mark.line - 1
    while number >= 0 and (line := lines[number].strip()).startswith("#"):
        content = line.lstrip("# ")
        if content.startswith(_MARK):
            try:
                told = json.loads(content.removeprefix(_MARK)) | told
            except ValueError as error:
                raise ValuesError(f"values.yaml, line {number + 1}: {error}") from None
        else:
            said.insert(0, content)
        number -= 1
    return " ".join(said), told


def schema(values: list[Value]) -> dict[str, Any]:
    """values.schema.json, whole."""
    shapes = {value.path[-1]: value.schema() for value in values}
    (service,) = (value for value in values if value.path == (_SERVICE,))
    defined = DEFINITIONS | {"service": _closed({child.path[-1]: child.schema() for child in service.children})}
    # Helm puts these beside the chart's own: what is global, and the library's.
    shapes |= {"global": _closed({}), "service": _closed({"global": _closed({})})}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "$defs": defined, **_closed(shapes)}


def table(values: list[Value]) -> str:
    """The README's table: one row a key that can be set, group headings between."""
    rows = ["| key | default | |", "|---|---|---|"]
    rows += [f"| `{value.name}` | {default} | {value.text} |" for value, default in _rows(values)]
    return "\n".join(rows) + "\n"


def _rows(values: list[Value]) -> Iterator[tuple[Value, str]]:
    for value in values:
        if value.children:
            if value.text:
                yield value, ""
            yield from _rows(value.children)
        else:
            yield value, _shown(value.default)


def _shown(default: Any) -> str:
    if default in ("", [], {}):
        return ""
    text = default if isinstance(default, str) else json.dumps(_told(default), ensure_ascii=False)
    return f"`{text}`" if text != "{}" else ""


def _told(default: Any) -> Any:
    """A mapping without its empty keys."""
    if not isinstance(default, dict):
        return default
    return {key: shown for key, value in default.items() if (shown := _told(value)) not in ("", {}, [])}
