"""The mailer against a real SMTP server, with and without TLS, willing and unwilling."""

from __future__ import annotations

import gc
import socket
import warnings
from pathlib import Path

import pytest
from notification.adapters import smtp
from notification.adapters.smtp import SmtpMailer, SmtpServer
from notification.domain.errors import MailError
from tongban_local.certificates import Authority, Pair

from ..factories import claimed
from ..post_office import HOST, PASSWORD, open_post_office

ADDRESS = "person-1@example.org"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls(authority, tmp_path_factory) -> tuple[Path, Path]:
    pair = authority.server(Pair.at(tmp_path_factory.mktemp("server"), "server"), HOST)
    return pair.certificate, pair.key


@pytest.fixture
def trusted(authority, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))


def mailer(office, **changes) -> SmtpMailer:
    values = {"host": office.host, "port": office.port, "starttls_required": False}
    return SmtpMailer(SmtpServer(**(values | changes)), "noreply@320508.example")


def failure(office, **changes) -> tuple[str, bool]:
    with warnings.catch_warnings():
        # eventlet leaves the socket of a failed handshake to the garbage collector; here it is collected at once.
        warnings.simplefilter("ignore", ResourceWarning)
        outcome = _failure(office, changes)
        gc.collect()
    return outcome


def _failure(office, changes) -> tuple[str, bool]:
    with pytest.raises(MailError) as failed:
        mailer(office, **changes).send(claimed(), ADDRESS)
    assert ADDRESS not in repr(failed.value)
    return failed.value.code, failed.value.again


def test_a_mail_arrives_as_it_was_made() -> None:
    with open_post_office() as office:
        mailer(office).send(claimed(), ADDRESS)
        [mail] = office.mails
        assert office.recipients == [ADDRESS]
    assert mail["Subject"] == claimed().text.title
    assert mail["Message-ID"] == "<d1@320508.example>"
    assert mail.get_content().replace("\r\n", "\n") == claimed().text.body


def test_tls_is_used_where_it_is_offered_even_if_nobody_vouches_for_the_server(tls) -> None:
    with open_post_office(*tls) as office:
        mailer(office).send(claimed(), ADDRESS)
        assert [each["encrypted"] for each in office.taken] == [True]


def test_required_tls_is_used_with_a_certificate_that_is_trusted(tls, trusted) -> None:
    with open_post_office(*tls) as office:
        mailer(office, starttls_required=True).send(claimed(), ADDRESS)
        assert [each["encrypted"] for each in office.taken] == [True]


def test_required_tls_refuses_a_certificate_that_nobody_vouches_for(tls) -> None:
    with open_post_office(*tls) as office:
        assert failure(office, starttls_required=True) == ("smtp.SSLCertVerificationError", True)
        assert office.mails == []


def test_required_tls_refuses_a_server_without_it() -> None:
    with open_post_office() as office:
        assert failure(office, starttls_required=True) == ("smtp.not_supported", True)
        assert office.mails == []


def test_a_user_signs_in_and_a_wrong_password_can_be_mended(tls, trusted) -> None:
    with open_post_office(*tls) as office:
        mailer(office, starttls_required=True, user="u", password=PASSWORD).send(claimed(), ADDRESS)
        assert failure(office, starttls_required=True, user="u", password="wrong") == ("smtp.535", True)
        assert [each["user"] for each in office.taken] == ["u"]


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        ({"recipient": "550 no such mailbox person-1@example.org"}, ("smtp.550", False)),
        ({"recipient": "450 busy"}, ("smtp.450", True)),
        ({"content": "554 not this"}, ("smtp.554", False)),
        ({"content": "452 full"}, ("smtp.452", True)),
    ],
)
def test_a_final_refusal_is_told_from_one_that_passes(refusal, outcome) -> None:
    with open_post_office() as office:
        office.order(**refusal)
        assert failure(office) == outcome
        assert office.mails == []


def test_a_server_that_is_silent_or_absent_is_tried_again(monkeypatch) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        server = SmtpMailer(SmtpServer(host="127.0.0.1", port=port, starttls_required=False), "a@b")
        with pytest.raises(MailError, match=r"smtp\.SMTPServerDisconnected") as failed:
            server.send(claimed(), ADDRESS)
        assert failed.value.again
    with pytest.raises(MailError, match=r"smtp\.ConnectionRefusedError") as failed:
        server.send(claimed(), ADDRESS)
    assert failed.value.again


def test_what_is_no_address_is_refused_for_good() -> None:
    with open_post_office() as office:
        with pytest.raises(MailError, match="bad_address") as failed:
            mailer(office).send(claimed(), "a@b\r\nBcc: c@d")
        assert office.mails == []
    assert not failed.value.again
