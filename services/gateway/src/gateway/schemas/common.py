"""What every resource shares: strict bodies, checked texts, pages, problems, times and headers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

T = TypeVar("T")

_CONTROL = r"\u0000-\u001F\u007F-\u009F"
#: One line: no control characters (C0, DEL, C1), so neither NUL nor a forged log line gets in.
_LINE = rf"^[^{_CONTROL}]*$"
#: One line with something in it besides space.
_FILLED_LINE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
_BREAKS = r"\u0000-\u0008\u000B-\u001F\u007F-\u009F"
#: Several lines with something in them: tab and line feed are allowed.
_FILLED_TEXT = rf"^[^{_BREAKS}]*[^\s{_BREAKS}][^{_BREAKS}]*$"


def line(longest: int, *, may_be_empty: bool = False) -> Any:
    """Constraints of a text of one line."""
    if may_be_empty:
        return StringConstraints(max_length=longest, pattern=_LINE)
    return StringConstraints(min_length=1, max_length=longest, pattern=_FILLED_LINE)


def text(longest: int) -> Any:
    """Constraints of a text that may have several lines."""
    return StringConstraints(min_length=1, max_length=longest, pattern=_FILLED_TEXT)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: JSON knows one kind of number: 20.0 is an integer there (JSON Schema 2020-12, section 4.2.3).
Whole = Annotated[int, BeforeValidator(_whole)]


class Sent(BaseModel):
    """A body that a caller sends: no field but those named, no value turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


def example(body: dict[str, Any]) -> ConfigDict:
    """The `model_config` of a body, with an example that works."""
    return ConfigDict(json_schema_extra={"examples": [body]})


class Given(BaseModel):
    """Something an answer shows; every field is always there, null where there is nothing to say."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Page(Given, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: Annotated[str | None, Field(description="Cursor of the following page, opaque; null on the last page.")]


class Problem(Given):
    """What went wrong, as problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Field(description="A sentence that says what to do.")]
    code: Annotated[
        str, Field(description='Stable, for programs: "<service>.<what>".', examples=["case_routing.version_conflict"])
    ]
    trace_id: Annotated[str, Field(description="To give to an operator; empty where nothing was traced.")]
    details: dict[str, str] = {}
    errors: list[FieldError] = []


class FieldError(Given):
    """One field that was not acceptable; its value is not repeated."""

    field: Annotated[str, Field(examples=["body.materials.0.key"])]
    message: str


District = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(description="Division code (GB/T 2260).", examples=["310101"])
]
DistrictShown = Annotated[str, Field(description="Division code (GB/T 2260).")]
Moment = Annotated[datetime, Field(description="RFC 3339, UTC.")]
Provenance = Annotated[
    Literal["read", "recalled", "generated", "sample", "owner"],
    Field(
        description="Where a value comes from: `recalled` was not re-read from its source, `sample` was set for a demonstration."
    ),
]

Size = Annotated[int, Query(ge=1, le=100, description="Rows on a page.")]
Cursor = Annotated[
    str,
    Query(
        max_length=512, pattern=r"^[A-Za-z0-9_-]*$", description="`next` of the page before; empty for the first page."
    ),
]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=64,
        pattern=r"^[!-~]+$",
        description="Chosen by the caller: the same key with the same content answers the same and acts once. "
        "A key is remembered for 30 days, unless the district is set up otherwise.",
        examples=["3f0c6a0e-6d5e-4bb2-a9e0-0a3c5a7f2b11"],
    ),
]
CaseNumber = Annotated[
    str,
    Path(pattern=r"^[0-9]{6}-[0-9]{8}-[0-9A-Za-z]{8}$", description="The case's number, the same in both districts."),
]
ItemCode = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="The item's code, as the catalogue gives it.")
]
Ident = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Subject = Annotated[
    str,
    Path(
        pattern=r"^(?:[0-9]{6}:)?[A-Za-z0-9._-]{1,64}$",
        description="An account's subject; a visitor's begins with the division code of their home.",
    ),
]


class TimelineEntry(Given):
    """One dated act."""

    at: Moment | None
    district: Annotated[str, Field(description="Division code of the district that acted.")]
    event: Annotated[str, Field(examples=["accepted"])]
    note: str
    version: int
