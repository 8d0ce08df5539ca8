"""Every alert has a runbook and a test of its rule, and what a runbook tells a person to type can be typed."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml
from courier.domain.lights import Light
from tongban_cli.main import parser
from tongban_observability.alerts import RULE_TESTS, RUNBOOKS, alerts, rules

ALERTS = {alert.name: alert for alert in alerts()}
BOOKS = {path.stem: path for path in RUNBOOKS.glob("*.md") if path.stem != "README"}
SECTIONS = ["Meaning", "Impact", "First look", "Repair", "When to wake somebody"]
_COMMAND = re.compile(r"^tongban .*$", re.M)


def test_alerts_runbooks_and_tests_of_rules_are_the_same_set() -> None:
    assert len(ALERTS) == sum("alert" in rule for _, rule in rules()), "two alerts have one name"
    assert set(ALERTS) == set(BOOKS) == {path.stem for path in RULE_TESTS.glob("*.yaml")} != set()


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_an_alert_says_how_grave_it_is_and_names_its_runbook(alert) -> None:
    assert alert.severity in ("page", "ticket")
    assert alert.annotations["runbook"] == f"infra/runbooks/{alert.name}.md"
    assert "{{ $labels.district }}" in alert.annotations["summary"]


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_a_rules_test_shows_it_firing_and_shows_it_quiet(name: str) -> None:
    told = yaml.safe_load((RULE_TESTS / f"{name}.yaml").read_text())
    cases = [case for test in told["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases} == {name}
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_a_runbook_says_everything_that_its_reader_needs(name: str) -> None:
    text = BOOKS[name].read_text()
    assert text.startswith(f"# {name}\n\nSeverity {ALERTS[name].severity}; rule in ")
    parts = re.split(r"^## (.*)\n", text, flags=re.M)[1:]
    assert parts[::2] == SECTIONS
    assert all(body.strip() for body in parts[1::2])


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_every_command_in_a_runbook_is_one_that_tongban_understands(name: str) -> None:
    text = BOOKS[name].read_text()
    told = _COMMAND.findall(text) + re.findall(r"`(tongban [^`]+)`|\$\((tongban [^)]+)\)", text)
    for command in (one if isinstance(one, str) else next(filter(None, one)) for one in told):
        words = shlex.split(command, comments=True)[1:]
        if len(words) == 1 or (len(words) == 2 and words[0] in ("courier", "registry", "agreement")):
            words.append("--help")  # named, not written out
        try:
            parser().parse_args(words)
        except SystemExit as ended:
            assert ended.code == 0, command


def test_every_light_of_the_courier_wakes_or_tells_somebody() -> None:
    asked = " ".join(rule["expr"] for _, rule in rules() if "alert" in rule)
    watched = {light for group in re.findall(r'light=~?"([a-z_|]+)"', asked) for light in group.split("|")}
    # An old message is told by its age, which says more than its light.
    assert watched | {Light.OLD_MESSAGE} == set(Light)
    assert "tongban_courier_oldest_waiting_seconds" in asked
