"""Where a broker is and how to log in, from one URL."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from pika import ConnectionParameters
from pika.credentials import ExternalCredentials, PlainCredentials

HEARTBEAT_S = 20
#: The broker stops reading while an alarm is on; a connection that stays blocked for so long is given up.
BLOCKED_TIMEOUT_S = 30


@dataclass(frozen=True)
class Address:
    """Where a broker is and how to log in; from a URL by `parse`, RabbitMQ's URI query parameters included."""

    parameters: ConnectionParameters
    tls: ssl.SSLContext | None
    server_name: str

    @property
    def user(self) -> str:
        """Who the messages come from, as the broker will check."""
        return str(getattr(self.parameters.credentials, "username", ""))

    @classmethod
    def parse(cls, url: str, connection_name: str) -> Address:
        """From `amqp[s]://user:password@host:port/vhost?cacertfile=…&certfile=…&keyfile=…&server_name_indication=…`.

        With a certificate and no user the broker takes the name from the certificate (SASL EXTERNAL). The peer's
        certificate is always checked.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError("a broker's address looks like amqp[s]://user:password@host:port/vhost")
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if options.get("verify", "verify_peer") != "verify_peer":
            raise ValueError("a broker's certificate is always verified")
        credentials: PlainCredentials | ExternalCredentials = ExternalCredentials()
        if parts.username:
            credentials = PlainCredentials(unquote(parts.username), unquote(parts.password or ""))
        tls = _tls_context(options) if parts.scheme == "amqps" else None
        parameters = ConnectionParameters(
            host=parts.hostname,
            port=parts.port or (5671 if tls else 5672),
            virtual_host=unquote(parts.path[1:]) or "/",
            credentials=credentials,
            heartbeat=int(options.get("heartbeat", HEARTBEAT_S)),
            blocked_connection_timeout=BLOCKED_TIMEOUT_S,
            client_properties={"connection_name": connection_name, "product": "tongban"},
        )
        return cls(parameters, tls, options.get("server_name_indication", parts.hostname))


def _tls_context(options: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("cacertfile"))
    # One greenlet reads while another writes: a renegotiation would make the writer read.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if "certfile" in options:
        context.load_cert_chain(options["certfile"], options.get("keyfile"))
    return context
