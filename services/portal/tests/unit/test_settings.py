"""Settings are refused with a sentence, each problem named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chassis.settings import SettingsError, read_settings
from portal.districts import Districts, DistrictsFile
from portal.settings import Settings

GIVEN = {
    "TONGBAN_DISTRICT": "320508",
    "TONGBAN_DATABASE_URL": "postgresql://x",
    "TONGBAN_FIELD_KEY": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=",
    "TONGBAN_PORTAL_KEY": "/k",
    "TONGBAN_PORTAL_URL": "https://a:1",
    "TONGBAN_GATEWAY_URL": "https://b:1",
    "TONGBAN_ISSUER": "https://c:1",
    "TONGBAN_DISTRICTS": "/d",
    "TONGBAN_LISTEN_ADDRESS": "127.0.0.1:0",
    "TONGBAN_TLS_CERTIFICATE": "/c",
    "TONGBAN_TLS_KEY": "/k",
    "TONGBAN_CA_FILE": "/a",
}


def test_everything_is_named_that_is_missing() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(Settings, {})
    assert {line.split(":")[0] for line in str(refused.value).splitlines()} == GIVEN.keys()


@pytest.mark.parametrize("name", ["TONGBAN_PORTAL_URL", "TONGBAN_ISSUER", "TONGBAN_GATEWAY_URL"])
@pytest.mark.parametrize("value", ["http://a:1", "a", ""])
def test_addresses_are_https(name, value) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings(Settings, GIVEN | {name: value})


def test_secrets_are_not_shown() -> None:
    assert "postgresql" not in repr(read_settings(Settings, GIVEN))


GUSU = {"code": "320508", "name_zh": "姑苏区", "name_en": "Gusu"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("{", "JSON"),
        ({}, "list"),
        ([1], "object"),
        ([GUSU | {"code": 320508}], "object"),
        ([GUSU | {"colour": "red"}], "code, name_zh"),
        ([{"code": "320508"}], "code, name_zh"),
        ([GUSU | {"code": "3205"}], "division code"),
        ([GUSU | {"portal": "http://a"}], "https origin"),
        ([GUSU | {"portal": "https://a/b"}], "https origin"),
        ([GUSU | {"issuer": "https://a; script-src *"}], "https origin"),
        ([GUSU | {"code": "310101"}], "our own"),
    ],
)
def test_a_file_of_districts_that_is_wrong_is_refused_with_a_sentence(tmp_path: Path, rows, told) -> None:
    path = tmp_path / "districts.json"
    path.write_text(rows if isinstance(rows, str) else json.dumps(rows))
    with pytest.raises(ValueError, match=told):
        Districts.read(path, "320508")


def test_a_district_nobody_told_us_of_is_shown_by_its_code(tmp_path: Path) -> None:
    path = tmp_path / "districts.json"
    path.write_text(json.dumps([GUSU]))
    districts = Districts.read(path, "320508")
    assert (districts.name("320508", "zh"), districts.name("320508", "en")) == ("姑苏区", "Gusu")
    assert districts.name("440106", "zh") == "440106"


def test_a_file_that_changes_is_read_again_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "districts.json"
    path.write_text(json.dumps([GUSU]))
    file = DistrictsFile(path, "320508")
    (tmp_path / "new").write_text(json.dumps([GUSU, {"code": "310101", "name_zh": "黄浦区", "name_en": "Huangpu"}]))
    (tmp_path / "new").replace(path)
    assert file.present.name("310101", "zh") == "黄浦区"
    (tmp_path / "new").write_text("{")
    (tmp_path / "new").replace(path)
    assert file.present.name("310101", "zh") == "黄浦区"
    path.unlink()
    assert file.present.name("310101", "zh") == "黄浦区"
