"""What notification is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from chassis.process import ChassisSettings

IF_OFFERED, REQUIRED = "if_offered", "required"


@dataclass(frozen=True, kw_only=True)
class Settings(ChassisSettings):
    """See the README's table."""

    #: The mail server that takes our mail.
    smtp_host: str
    smtp_port: int = 25
    #: `required`: only over TLS with a valid certificate; `if_offered`: encrypted where the server can.
    smtp_starttls: str = REQUIRED
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False, metadata={"secret": True})
    #: Sender of every mail; its domain also names our end of the SMTP session and the Message-IDs.
    mail_from: str
    #: Where a person signs in for details; the only link in a notice.
    portal_url: str

    def __post_init__(self) -> None:
        if self.smtp_starttls not in (IF_OFFERED, REQUIRED):
            raise ValueError(f"TONGBAN_SMTP_STARTTLS: must be {IF_OFFERED} or {REQUIRED}")
        if self.smtp_user and self.smtp_starttls != REQUIRED:
            raise ValueError("TONGBAN_SMTP_USER: a password is sent only where TONGBAN_SMTP_STARTTLS is required")
        if not all(self.mail_from.partition("@")):
            raise ValueError("TONGBAN_MAIL_FROM: must be an address")
