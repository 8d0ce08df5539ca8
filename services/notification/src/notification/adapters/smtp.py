"""Mail by SMTP (RFC 5321), with STARTTLS (RFC 3207); plain sockets, which eventlet has patched.

A mail is made of its delivery alone: the same delivery gives the same octets and the same Message-ID, so that a second
copy after a crash can be told from a second mail.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from notification.domain.errors import MailError
from notification.domain.model import Claimed

TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in."""

    host: str
    port: int
    #: Whether the server must offer TLS with a certificate that is valid for `host`.
    starttls_required: bool
    user: str = ""
    password: str = field(default="", repr=False)


class SmtpMailer:
    """Hands mails in at one server."""

    def __init__(self, server: SmtpServer, mail_from: str) -> None:
        self._server, self._mail_from = server, mail_from
        self._domain = mail_from.rpartition("@")[2]

    def send(self, claimed: Claimed, to: str) -> None:
        """Returns when the server has taken the mail. Raises MailError, whose code holds no address."""
        try:
            mail = self.mail(claimed, to)
        except ValueError as error:  # no address at all; nothing of it may go into a log
            raise MailError("smtp.bad_address", again=False) from error
        try:
            with self._session() as session:
                session.send_message(mail, self._mail_from, [to])
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(next(iter(error.recipients.values()), (450, b""))[0], final=True) from None
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, final=True) from None
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, final=False) from None
        except smtplib.SMTPNotSupportedError as error:
            raise MailError("smtp.not_supported", again=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailError(f"smtp.{type(error).__name__}", again=True) from None

    def mail(self, claimed: Claimed, to: str) -> EmailMessage:
        """The mail of a delivery. Raises ValueError where `to` is not one address."""
        if not to.isascii() or not to.isprintable() or set(to) & set(' ,;<>"') or not all(to.partition("@")):
            raise ValueError("not an address")
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._mail_from
        mail["To"] = to
        mail["Subject"] = claimed.text.title
        mail["Date"] = format_datetime(claimed.delivery.created_at)
        mail["Message-ID"] = f"<{claimed.delivery.id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail["Content-Language"] = "zh-Hans, en"
        mail.set_content(claimed.text.body, cte="base64")
        return mail

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        # local_hostname: without it smtplib asks the resolver for our own name, which blocks.
        session = smtplib.SMTP(server.host, server.port, local_hostname=self._domain, timeout=TIMEOUT_S)
        try:
            session.ehlo_or_helo_if_needed()
            if server.starttls_required or session.has_extn("starttls"):
                session.starttls(context=_tls(server.starttls_required))
                session.ehlo_or_helo_if_needed()
            if server.user:
                session.login(server.user, server.password)
            yield session
            with suppress(smtplib.SMTPException, OSError):  # it has the mail; how the goodbye goes changes nothing
                session.quit()
        finally:
            session.close()


def _tls(required: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not required:
        # Opportunistic security (RFC 7435): encryption without proof of the server beats none, and none is the alternative.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _refusal(status: int, *, final: bool) -> MailError:
    """5yz to the recipient or the content is final; 5yz to us (sign-in, greeting) is a setting somebody can mend."""
    return MailError(f"smtp.{status}", again=not (final and 500 <= status < 600))
