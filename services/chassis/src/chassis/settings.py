"""Settings from the environment into one frozen dataclass a service; a wrong or missing one is named before anything starts.

A field `database_url` is read from `TONGBAN_DATABASE_URL`. A field whose metadata says `secret` has no default and may
also be given as `TONGBAN_DATABASE_URL_FILE`, the path of a file that holds it (a mounted Kubernetes Secret).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

PREFIX = "TONGBAN_"

S = TypeVar("S")


class SettingsError(Exception):
    """Names every setting that is missing or wrong, one a line."""


def secret() -> Any:
    """A field that holds a secret: no default, not shown by repr, may come from a file."""
    return dataclasses.field(repr=False, metadata={"secret": True})


def at_least(minimum: int, default: int) -> Any:
    """A field with a default whose value must not be below `minimum`."""
    return dataclasses.field(default=default, metadata={"minimum": minimum})


def read_settings(kind: type[S], environ: Mapping[str, str]) -> S:
    """An instance of the dataclass `kind` from `environ`. Raises SettingsError naming every problem at once."""
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = PREFIX + field.name.upper()
        raw = environ.get(name)
        if raw is None and (path := environ.get(name + "_FILE")):
            try:
                raw = Path(path).read_text().strip()
            except OSError as error:
                problems.append(f"{name}_FILE: cannot be read ({error.strerror})")
                continue
        if raw is None:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                problems.append(f"{name}: is not set")
            continue
        try:
            values[field.name] = _bounded(_parse(hints[field.name], raw), field.metadata.get("minimum"))
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise SettingsError("\n".join(problems))
    try:
        return kind(**values)
    except ValueError as error:  # raised by a __post_init__ that checks values against each other
        raise SettingsError(str(error)) from error


def _bounded(value: Any, minimum: int | None) -> Any:
    if minimum is not None and value < minimum:
        raise ValueError(f"must be at least {minimum}")
    return value


def _parse(hint: Any, raw: str) -> Any:
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if callable(of := getattr(hint, "of", None)):  # a type of ours that reads itself from text
        return of(raw)
    if hint is bool:
        if raw not in ("true", "false"):
            raise ValueError("must be true or false")
        return raw == "true"
    if hint in (int, float):
        try:
            return hint(raw)
        except ValueError:
            raise ValueError(f"must be a number, not {raw!r}") from None
    if hint is Path:
        return Path(raw)
    if typing.get_origin(hint) is tuple:
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    return raw
