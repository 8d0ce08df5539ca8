"""A real SMTP server in the test's own process, which takes, refuses, delays or encrypts as told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class PostOffice:
    """aiosmtpd's handler, and what it has taken."""

    host: str = "127.0.0.1"
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    #: What it answers to the recipient, and to the content; empty: it takes it.
    answer_to_recipient: str = ""
    answer_to_content: str = ""
    #: Set: content is kept at once, and the "250" follows only when this is released.
    hold: threading.Event | None = None
    password: str = "letmein"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.answer_to_recipient:
            return self.answer_to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer_to_content:
            return self.answer_to_content
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        if self.hold is not None:
            await server.loop.run_in_executor(None, self.hold.wait, 60)
        return "250 kept"

    def sign_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.users.append(data.login.decode())
        return AuthResult(success=data.password.decode() == self.password, handled=False)


class _AnyPort(Controller):
    """Connects to itself, to see whether it runs, at the port that it got."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def open_post_office(tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> Iterator[PostOffice]:
    """A post office on a free port, with STARTTLS where a context is given."""
    office = PostOffice(host=host)
    more = {"tls_context": tls, "authenticator": office.sign_in, "auth_required": False} if tls else {}
    controller = _AnyPort(office, hostname=host, port=0, **more)
    controller.start()
    office.port = controller.port
    try:
        yield office
    finally:
        if office.hold is not None:
            office.hold.set()
        controller.stop()
