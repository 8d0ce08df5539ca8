"""promtool (of Debian's package prometheus; promtool.sh brings it) on the rules, their tests, and the dashboards' queries."""

import json
import subprocess

import pytest
import yaml
from tongban_local.checkout import ROOT
from tongban_observability.__main__ import DASHBOARDS
from tongban_observability.alerts import RULE_TESTS, RULES


@pytest.fixture(scope="module")
def promtool():
    subprocess.run([ROOT / "infra" / "observability" / "promtool.sh"], check=True)

    def run(*words):
        done = subprocess.run(
            [ROOT / "build" / "promtool" / "promtool", *map(str, words)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_every_rule_is_one_that_prometheus_takes(promtool):
    status, said = promtool("check", "rules", *sorted(RULES.glob("*.yaml")))
    assert status == 0, said


def test_the_scrape_configuration_is_one_that_prometheus_takes(promtool, tmp_path):
    """Debian's build has no discovery of Kubernetes: it is left out of what is checked here."""
    made = yaml.safe_load((RULES.parent / "prometheus.yaml").read_text())
    for job in made["scrape_configs"]:
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        job["static_configs"] = [{"targets": ["127.0.0.1:1"]}]
        assert job["job_name"].startswith("tongban-")  # ProcessDown asks for these
        assert "district" in {rule.get("target_label") for rule in job["relabel_configs"]}
    made["rule_files"] = [str(RULES / "*.yaml")]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(made))
    status, said = promtool("check", "config", tmp_path / "prometheus.yaml")
    assert status == 0, said


@pytest.mark.timeout(1200)  # ninety small worlds of hours each: twelve seconds of work, but of all the machine's
def test_every_alert_fires_when_it_should_and_only_then(promtool):
    status, said = promtool("test", "rules", *sorted(RULE_TESTS.glob("*.yaml")))
    assert status == 0, said


def test_a_rule_that_does_not_fire_fails_its_test(promtool, tmp_path):
    """Else the tests above prove nothing."""
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
    rule = (RULES / "engines.yaml").read_text().replace("(pg_up) == 0", "(pg_up) == 2")
    (tmp_path / "rules" / "engines.yaml").write_text(rule)
    (tmp_path / "tests" / "DatabaseAway.yaml").write_text((RULE_TESTS / "DatabaseAway.yaml").read_text())
    status, said = promtool("test", "rules", tmp_path / "tests" / "DatabaseAway.yaml")
    assert status == 1
    assert "FAILED" in said


def test_every_query_of_the_dashboards_is_promql(promtool, tmp_path):
    queries = [
        target["expr"].replace("$__rate_interval", "5m")
        for path in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", ())
    ]
    rules = [{"record": f"dashboard:query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    status, said = promtool("check", "rules", file)
    assert status == 0, said
