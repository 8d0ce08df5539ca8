"""What notification refuses, and why a mail did not go out.

NotificationError
└── MessageNotFound   the person has no such message (somebody else's is the same to them)
MailError             a try failed; `code` says with what, `again` whether another try can help
"""

from __future__ import annotations

from typing import ClassVar


class NotificationError(Exception):
    """`code` and `kind` cross the wire; the message is for the person in front of it."""

    code: ClassVar[str]
    kind: ClassVar[str]


class MessageNotFound(NotificationError):
    code = "notification.message_not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("You have no such message.")


class MailError(Exception):
    """Never leaves the service; its code is what operators see, so it holds neither address nor text of a server."""

    def __init__(self, code: str, *, again: bool) -> None:
        super().__init__(code)
        self.code = code
        self.again = again
