"""The districts that pages name and link to, from one JSON file: a list of
`{"code", "name_zh", "name_en", "portal", "issuer"}`, our own among them.

`portal` and `issuer` are https origins, or "" where we have no link to that district's pages. The header shows our own
first, then the others in the order of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.logs import get_logger

log = get_logger(__name__)

_ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True)
class District:
    """One district as pages show it."""

    code: str
    name_zh: str
    name_en: str
    portal: str = ""
    issuer: str = ""


class Districts:
    """All of them, by division code."""

    def __init__(self, found: Mapping[str, District], here: str) -> None:
        """Raises ValueError where our own district is not among them."""
        if here not in found:
            raise ValueError(f"TONGBAN_DISTRICTS: names no district {here}, which is our own")
        self._found, self.here = found, found[here]

    @classmethod
    def read(cls, path: Path, here: str) -> Districts:
        """Raises ValueError that says what is wrong with the file."""
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"TONGBAN_DISTRICTS: {path} cannot be read as JSON ({type(error).__name__})") from None
        if not isinstance(rows, list):
            raise ValueError("TONGBAN_DISTRICTS: must be a list")
        found = [_district(row) for row in rows]
        return cls({district.code: district for district in found}, here)

    def __iter__(self) -> Iterator[District]:
        return iter(self._found.values())

    def __contains__(self, code: object) -> bool:
        return code in self._found

    def name(self, code: str, language: str) -> str:
        """The district's name; its code where nobody told us of it."""
        known = self._found.get(code)
        if known is None:
            return code
        return known.name_en if language == "en" else known.name_zh

    @property
    def linked(self) -> list[District]:
        """Our own, and those whose pages can be switched to."""
        return [self.here, *(district for district in self if district.portal and district is not self.here)]

    @property
    def issuers(self) -> list[str]:
        """Where signing in and out may lead through."""
        return sorted({district.issuer for district in self if district.issuer})


class DistrictsFile:
    """The file's districts as it stands now: a file that changed is read again, and a wrong one changes nothing."""

    def __init__(self, path: Path, here: str) -> None:
        """Raises ValueError that says what is wrong with the file."""
        self._path, self._here = path, here
        self._stamp, self._read = self._look(), Districts.read(path, here)

    @property
    def present(self) -> Districts:
        if (stamp := self._look()) != self._stamp:
            self._stamp = stamp
            try:
                self._read = Districts.read(self._path, self._here)
            except ValueError as error:
                log.warning("the file of districts is not taken", reason=str(error))
        return self._read

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns


def _district(row: Any) -> District:
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise ValueError("TONGBAN_DISTRICTS: every district is an object of texts")
    try:
        district = District(**row)
    except TypeError:
        raise ValueError(
            "TONGBAN_DISTRICTS: a district has code, name_zh, name_en, and may have portal, issuer"
        ) from None
    if not re.fullmatch(r"[0-9]{6}", district.code):
        raise ValueError(f"TONGBAN_DISTRICTS: {district.code!r} is no division code")
    for origin in (district.portal, district.issuer):
        if origin and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"TONGBAN_DISTRICTS: {district.code}: {origin!r} is no https origin")
    return district
