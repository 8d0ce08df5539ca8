"""Versions as entity tags (RFC 9110 section 8.8.3): a case at version 3 has the ETag "3"."""

from __future__ import annotations

import re

from chassis.errors import Fault, Kind
from starlette.requests import Request

_TAGS = re.compile(r'\s*(\*|(?:W/)?"[!#-~]*"(?:\s*,\s*(?:W/)?"[!#-~]*")*)\s*')
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


def etag(version: int) -> str:
    return f'"{version}"'


def expected_version(if_match: str | None) -> int:
    """The version that `If-Match` asks for; 0 where any will do.

    A tag that is not one of ours, or weak, can match nothing: -1 is a version no case has. Raises Fault `request.bad_if_match`.
    """
    if if_match is None or if_match.strip() == "*":
        return 0
    if not _TAGS.fullmatch(if_match):
        raise Fault(
            "request.bad_if_match", Kind.INVALID, 'If-Match takes an entity tag as an answer gave it, such as "3".'
        )
    version = _VERSION.fullmatch(if_match.strip())
    return int(version[1]) if version and version[1] != "0" else -1


def is_known(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` says that the caller has this version already."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or tag in {part.strip().removeprefix("W/") for part in given.split(",")}
