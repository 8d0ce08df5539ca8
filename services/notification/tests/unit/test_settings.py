"""Settings that would send a password in the clear are refused before anything starts."""

from __future__ import annotations

import pytest
from chassis.settings import SettingsError, read_settings
from notification.settings import Settings

from tests.support.transit import TRANSIT_KEY

GOOD = {
    "TONGBAN_DISTRICT": "320508",
    "TONGBAN_SERVICE_NAME": "notification",
    "TONGBAN_AMQP_URL": "amqp://x",
    "TONGBAN_DATABASE_URL": "postgresql://x",
    "TONGBAN_FIELD_KEY": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=",
    "TONGBAN_TRANSIT_KEY": TRANSIT_KEY,
    "TONGBAN_EDGE_KEYS": "/x",
    "TONGBAN_SMTP_HOST": "mail",
    "TONGBAN_MAIL_FROM": "noreply@example.org",
    "TONGBAN_PORTAL_URL": "https://x",
}


def test_tls_is_required_unless_somebody_says_otherwise() -> None:
    assert read_settings(Settings, GOOD).smtp_starttls == "required"


@pytest.mark.parametrize(
    "change",
    [
        {"TONGBAN_SMTP_STARTTLS": "never"},
        {"TONGBAN_SMTP_STARTTLS": "if_offered", "TONGBAN_SMTP_USER": "u", "TONGBAN_SMTP_PASSWORD": "p"},
        {"TONGBAN_MAIL_FROM": "nobody"},
    ],
)
def test_a_setting_that_makes_no_sense_is_named(change) -> None:
    with pytest.raises(SettingsError, match=next(iter(change)).removesuffix("_STARTTLS")):
        read_settings(Settings, GOOD | change)


def test_the_password_is_not_shown_and_may_come_from_a_file(tmp_path) -> None:
    (tmp_path / "p").write_text("hunter2\n")
    settings = read_settings(
        Settings, GOOD | {"TONGBAN_SMTP_USER": "u", "TONGBAN_SMTP_PASSWORD_FILE": str(tmp_path / "p")}
    )
    assert settings.smtp_password == "hunter2"
    assert "hunter2" not in repr(settings)
