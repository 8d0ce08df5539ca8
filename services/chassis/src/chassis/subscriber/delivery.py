"""What comes with an event, read from its headers; one that cannot be read is poison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from chassis.ladder import ATTEMPTS, Poison
from chassis.outbox import DISTRICT, ID, SOURCE, SUBJECT, TIME, TYPE, VERSION
from chassis.telemetry import extract

LONGEST = 255
_REQUIRED = {"id": ID, "source": SOURCE, "type": TYPE, "subject": SUBJECT, "time": TIME}


@dataclass
class Delivery:
    """One event as it arrived, and the open transaction it is handled in."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    #: The aggregate's version; 0 where the event has none.
    version: int = 0
    #: Division code of the district that sent it; "" for a fact of our own district.
    district: str = ""
    connection: Connection = field(default=None, repr=False)  # type: ignore[assignment]  # set before the handler runs
    #: Everything that came beside the body, the courier's attributes among it.
    headers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    traceparent: str = ""
    #: Which try this is, from 1.
    attempt: int = 1

    @property
    def inbox_source(self) -> str:
        """Whose id it is: ids of different districts must not meet."""
        return f"{self.source}@{self.district}" if self.district else self.source


def read_delivery(headers: Mapping[str, Any]) -> Delivery:
    """What the headers say. Raises Poison `event.headers_missing` or `event.headers_invalid`."""
    try:
        values = {name: headers[header] for name, header in _REQUIRED.items()}
    except KeyError:
        raise Poison("event.headers_missing") from None
    version, district, failures = headers.get(VERSION, 0), headers.get(DISTRICT, ""), headers.get(ATTEMPTS, 0)
    if not all(map(_is_text, (*values.values(), district))) or not (values["id"] and values["source"]):
        raise Poison("event.headers_invalid")
    if not isinstance(version, int) or not isinstance(failures, int):
        raise Poison("event.headers_invalid")
    values["time"] = _moment(values["time"])
    return Delivery(
        **values,
        version=version,
        district=district,
        headers=headers,
        traceparent=extract(headers),
        attempt=failures + 1,
    )


def _is_text(value: Any) -> bool:
    """What PostgreSQL can store and index."""
    return isinstance(value, str) and len(value) <= LONGEST and "\x00" not in value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Poison("event.headers_invalid") from None
    if moment.tzinfo is None:
        raise Poison("event.headers_invalid")
    return moment
