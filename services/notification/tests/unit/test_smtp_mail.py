"""What a mail is made of."""

from __future__ import annotations

import re

import pytest
from notification.adapters.smtp import SmtpMailer, SmtpServer

from ..factories import claimed

mailer = SmtpMailer(SmtpServer(host="mail", port=25, starttls_required=True), "noreply@320508.example")


def test_the_same_delivery_is_the_same_mail_octet_by_octet() -> None:
    first, second = (mailer.mail(claimed(), "a@example.org").as_bytes() for _ in range(2))
    assert first == second
    assert b"Message-ID: <d1@320508.example>" in first


def test_a_mail_says_that_a_program_wrote_it_and_who_sends_it() -> None:
    mail = mailer.mail(claimed(), "a@example.org")
    assert (mail["Auto-Submitted"], mail["From"], mail["To"]) == (
        "auto-generated",
        "noreply@320508.example",
        "a@example.org",
    )
    assert mail.get_content().replace("\r\n", "\n") == claimed().text.body
    assert all(len(line) <= 998 for line in mail.as_bytes().split(b"\r\n"))
    assert re.fullmatch(rb"[\x00-\x7f]*", mail.as_bytes())


@pytest.mark.parametrize(
    "address", ["", "a", "@", "a@", "@b", "a@b, c@d", "a@b\r\nBcc: c@d", "a b@c", "<a@b>", "a;b@c", "张三@example.org"]
)
def test_what_is_not_one_plain_address_is_no_recipient(address) -> None:
    with pytest.raises(ValueError):
        mailer.mail(claimed(), address)
