"""Log lines as JSON on standard output, with trace and span ids, and with everything personal or secret taken out.

Redaction works on keys and on text, after every other processor, and on the lines of libraries too; when it fails itself, the
line goes out without its content rather than with it. What it cannot know is a person's name inside a sentence: our code
gives names only under a key, and never in the event itself.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from opentelemetry import trace

HIDDEN = "***"
#: Characters of one value that a line shows at most; it also bounds what redaction costs.
LONGEST = 16_384

_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "assertion",
        "authorization",
        "cookie",
        "credential",
        "credentials",
    }
    | {"email", "mail", "phone", "mobile"}
)
_SECRET_KEYS = frozenset({"name", "id_number", "id_no", "identity_number", "address", "field_key", "dsn"})
_SECRET_ENDINGS = (
    "_id_number",
    "applicant_name",
    "person_name",
    "full_name",
    "real_name",
    "display_name",
    "private_key",
)
_WORDS = re.compile(r"[A-Za-z][a-z]*|[A-Z]+")

_NO_DIGIT_BEFORE, _NO_DIGIT_AFTER = r"(?<!\d)", r"(?!\d)"
#: Order matters: whole URIs and tokens first, then the numbers that may stand inside them.
PATTERNS: dict[str, tuple[re.Pattern[str], str]] = {
    # SQLAlchemy prints a statement's parameters, PostgreSQL the values of the offending row.
    "sql_parameters": (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), f"[parameters: {HIDDEN}]"),
    "sql_detail": (re.compile(r"(DETAIL:\s*).*"), rf"\1{HIDDEN}"),
    "uri_password": (re.compile(r"((?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://)[^\s'\"<>]*@"), rf"\1{HIDDEN}@"),
    "jwt": (re.compile(r"eyJ[\w-]+(?:\.[\w-]*){2,4}"), HIDDEN),
    "authorization": (re.compile(r"\b(bearer|basic|dpop)\s+[\w\-.~+/=]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    "assignment": (
        re.compile(
            r"\b(\w*(?:password|passwd|pwd|secret|token|assertion))(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&)]+", re.IGNORECASE
        ),
        rf"\1\2{HIDDEN}",
    ),
    "email": (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
    # GB 11643: 6 + 8 + 4; whatever its check digit says, it may be somebody's with a slip of the pen.
    "id_number": (re.compile(_NO_DIGIT_BEFORE + r"\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx]" + _NO_DIGIT_AFTER), HIDDEN),
    "mobile": (
        re.compile(_NO_DIGIT_BEFORE + r"(?:\+?(?:00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + _NO_DIGIT_AFTER),
        HIDDEN,
    ),
    "foreign_phone": (re.compile(r"\+\d[\d -]{6,16}\d"), HIDDEN),
}


def redact(text: str) -> str:
    """`text` with every secret, number, address and token of `PATTERNS` replaced."""
    if len(text) > LONGEST:
        text = _cut(text)
    for pattern, replacement in PATTERNS.values():
        text = pattern.sub(replacement, text)
    return text


def _cut(text: str) -> str:
    """Beginning and end of a long text, cut between words: half a number would not be recognised any more."""
    head, tail = text[: LONGEST // 4], text[-LONGEST // 2 :]
    return f"{' '.join(head.split(' ')[:-1])} […] {' '.join(tail.split(' ')[1:])}"


def is_secret_key(key: str) -> bool:
    """Whether what stands under this key is hidden whatever it looks like."""
    words = {word.lower() for word in _WORDS.findall(key)}
    plain = key.lower().replace("-", "_")
    return bool(words & _SECRET_WORDS) or plain in _SECRET_KEYS or plain.endswith(_SECRET_ENDINGS)


def redacted(value: Any, depth: int = 0) -> Any:
    """`value` fit for a log line: JSON types only, with nothing secret or personal in it."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if redact(str(value)) == str(value) else HIDDEN
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    if depth < 6 and isinstance(value, Mapping):
        return {redact(str(k)): HIDDEN if is_secret_key(str(k)) else redacted(v, depth + 1) for k, v in value.items()}
    if depth < 6 and isinstance(value, list | tuple | set | frozenset):
        return [redacted(part, depth + 1) for part in value]
    return redact(str(value))


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    try:
        clean: dict[str, Any] = redacted(event)
        return clean
    except Exception as error:  # rather a line without content than one with somebody's number in it
        return {
            "event": "a log line could not be redacted and is left out",
            "error": type(error).__name__,
            "level": "error",
        }


class _Origin:
    """Adds what every line carries; after redaction, because none of it comes from data."""

    def __init__(self, service: str, district: str) -> None:
        self._origin = {"service": service, "district": district}
        self._stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.update(self._origin)
        here = trace.get_current_span().get_span_context()
        if here.is_valid:
            event["trace_id"], event["span_id"] = f"{here.trace_id:032x}", f"{here.span_id:016x}"
        return self._stamp(logger, method, event)


def configure(service: str, district: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """From now on structlog and the standard library's logging both write redacted JSON lines to `stream` (standard output)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redact_event,
                _Origin(service, district),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # pika tells every lost connection as an error with a stack; chassis.broker tells it once, as what it is.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    # httpx tells whole addresses, and with them what people search for and what providers carry in a redirect.
    for library in ("amqp", "kombu", "alembic", "httpx", "urllib3", "mail.log"):
        logging.getLogger(library).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose keyword arguments become keys: `log.info("case submitted", case=number)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
