"""Every text of the pages is there in both languages, and every refusal that a person can meet has its sentence."""

from __future__ import annotations

import re
from importlib import resources
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_python
from chassis.errors import Fault, Kind
from jinja2.ext import babel_extract
from portal import words
from portal.pages import asset, catalogue, safe_target, translate
from portal.routes.cases import steps_of

PORTAL = Path(str(resources.files("portal")))
_HOLE = re.compile(r"%\([a-z]+\)s")


def texts() -> set[str]:
    """Every text that templates and words mark for the catalogue."""
    found: set[str] = set()
    for path in (PORTAL / "templates").glob("*.html"):
        options = {"trim_blocks": "true", "lstrip_blocks": "true"}
        for _, _, message, _ in babel_extract(BytesIO(path.read_bytes()), ["_"], [], options):
            found |= {message if isinstance(message, str) else message[0]} if message else set()
    for _, _, message, _ in extract_python(BytesIO((PORTAL / "words.py").read_bytes()), ["zh"], [], {}):
        found |= {message if isinstance(message, str) else message[0]} if message else set()
    return found


def test_every_text_is_there_in_english_and_the_catalogue_holds_no_other() -> None:
    assert len(texts()) > 150
    assert {text for text, english in catalogue().items() if not english} == set()
    assert texts() == catalogue().keys()


def test_a_translation_has_the_holes_of_its_text() -> None:
    assert {
        text for text, english in catalogue().items() if set(_HOLE.findall(text)) != set(_HOLE.findall(english))
    } == set()


def test_no_template_holds_a_text_that_is_not_marked() -> None:
    allowed = {"通", "中文"}
    bare = {}
    for path in sorted((PORTAL / "templates").glob("*.html")):
        text = re.sub(r"{#.*?#}|{{.*?}}|{%.*?%}", "", path.read_text(), flags=re.S)
        if found := set(re.findall(r"[一-鿿]+", text)) - allowed:
            bare[path.name] = found
    assert bare == {}


def test_a_text_without_a_translation_is_shown_as_it_is() -> None:
    assert translate("样例", "en") == "样例"
    assert translate("首页", "en") == "Home"
    assert translate("首页", "zh") == "首页"


@pytest.mark.parametrize("kind", Kind)
def test_an_error_of_every_kind_has_a_chinese_sentence_whatever_its_code(kind) -> None:
    fault = Fault("nobody.knows", kind, "Do this.")
    assert re.search(r"[一-鿿]", words.told(fault, "zh"))
    assert words.told(fault, "en") == "Do this."


def test_every_class_of_the_pages_has_its_style() -> None:
    """The components' markup is govuk-frontend's, the style ours: a class that a newer markup brings is missed here."""
    style = asset("portal.css").decode()
    known = set(re.findall(r"\.((?:govuk|tb)-[a-zA-Z0-9_-]+)", style))
    used: set[str] = set()
    for path in (PORTAL / "templates").glob("*.html"):
        used |= set(re.findall(r"(?:govuk|tb)-[a-zA-Z0-9_-]+[a-zA-Z0-9]", re.sub(r"{{.*?}}", "", path.read_text())))
    unstyled = {"govuk-template", "govuk-template__body", "govuk-link"}  # as every document, and every link, is
    folded = {name for name in used if any(full.startswith(name) for full in known)}
    assert used - known - unstyled - folded == set()


def test_no_style_or_picture_comes_from_elsewhere_and_no_crown() -> None:
    style = asset("portal.css").decode()
    assert "@import" not in style
    assert "url(" not in style
    assert "GDS Transport" not in style
    assert "Noto Sans CJK SC" in style


@pytest.mark.parametrize(
    ("state", "how"),
    [
        ("submitted", "now next next next next"),
        ("received", "done now next next next"),
        ("under_review", "done done now next next"),
        ("produced", "done done done now next"),
        ("delivered", "done done done done now"),
        ("closed", "done done done done done"),
        ("withdrawn", "next next next next next"),
    ],
)
def test_steps_say_what_is_done_and_what_comes(state, how) -> None:
    assert [told for _, told in steps_of(state)] == how.split()


@pytest.mark.parametrize("good", ["/", "/items?q=%E5%85%AC", "/cases/320508-20261123-ABCDEFGH"])
def test_an_address_of_ours_is_gone_back_to(good) -> None:
    assert safe_target(good) == good
