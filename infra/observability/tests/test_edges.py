"""Each alert waits as long as it says, and begins at its threshold: a case on either side, and rules with one thing wrong are found out."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml
from tongban_local.checkout import ROOT
from tongban_observability.alerts import RULES, rules
from tongban_observability.edges import EDGES, World, mutants


@pytest.fixture(scope="module")
def promtool(tmp_path_factory):
    """Answers what promtool says about one file of tests."""
    subprocess.run([ROOT / "infra" / "observability" / "promtool.sh"], check=True)
    folder = tmp_path_factory.mktemp("edges")

    def run(made: dict[str, Any], **rule_files: Any) -> tuple[int, str]:
        for name, groups in rule_files.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump({"groups": groups}))
        (folder / "test.yaml").write_text(yaml.safe_dump(made))
        command = [ROOT / "build" / "promtool" / "promtool", "test", "rules", folder / "test.yaml"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def world() -> World:
    made = World()
    for edge in EDGES:
        made.add(edge)
    return made


ALERTS = {rule["alert"]: rule for _, rule in rules() if "alert" in rule}


def test_every_alert_has_its_edge() -> None:
    assert {edge.alert for edge in EDGES} == ALERTS.keys()


def test_every_alert_begins_at_its_threshold_after_its_time_and_not_before(promtool, world) -> None:
    files = sorted(RULES.glob("*.yaml"))
    groups = [group["name"] for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    order = sorted(groups, key=lambda name: name != "tongban-slo")  # an objective's ratio before the alert on it
    status, said = promtool(world.test([str(file) for file in files], {name: [name] for name in ALERTS}, order))
    assert status == 0, said


def test_every_alert_with_one_thing_wrong_is_found_out(promtool, world) -> None:
    """Every wrong rule stands beside the others under a name of its own; the cases above must contradict each."""
    wrong = {f"{name}: {what}": rule for name in ALERTS for what, rule in mutants(ALERTS[name])}
    assert len(wrong) > 150
    slo = yaml.safe_load((RULES / "slo.yaml").read_text())["groups"]
    group = {"name": "wrong", "rules": [{**rule, "alert": name} for name, rule in wrong.items()]}
    names = {name: [one for one in wrong if one.partition(":")[0] == name] for name in ALERTS}
    status, said = promtool(
        world.test(["slo.yaml", "wrong.yaml"], names, [slo[0]["name"], "wrong"]), slo=slo, wrong=[group]
    )
    assert status == 1
    found = set(re.findall(r'alertname=\\*"([^"\\]+)', said))
    assert sorted(wrong.keys() - found) == []
