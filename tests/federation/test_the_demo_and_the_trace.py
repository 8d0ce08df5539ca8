"""What the demo tells is what happened, and `tongban trace` and `tongban status` tell it of any case, to people and programs."""

from __future__ import annotations

import io
import json
from functools import partial

import pytest
from rich.console import Console
from tongban_cli.commands.demo import verify
from tongban_cli.demo_stories import STORIES, Stage, tell

from tests.federation.conftest import GUSU, HUANGPU, tongban

#: How each story's last acts read, in whichever district they were done.
DECIDED = {"a case crosses and comes back refused": "refused"}


@pytest.fixture
def asked(environment):
    """`asked("status", "--json")`: the command, of this environment."""
    return partial(tongban, "--env", str(environment.folder))


@pytest.fixture(scope="module")
def told(environment, tmp_path_factory):
    """(what demo.json would hold, what was printed), of the stories told in this environment."""
    build, shown = tmp_path_factory.mktemp("demo"), io.StringIO()
    console = Console(file=shown, width=160, highlight=False)
    results = tell(Stage(environment, console, build))
    verify(results, environment, build, console)
    return results, shown.getvalue()


def test_every_story_ended_as_it_should_over_both_districts_and_its_receipts_hold(told) -> None:
    results, shown = told
    assert [story["story"] for story in results] == list(STORIES)
    for story in results:
        assert set(story) == {
            "story", "case_no", "districts", "trace_ids", "spans", "receipts_verified", "timeline", "seconds",
        }  # fmt: skip
        assert story["case_no"].startswith(GUSU)
        assert story["districts"] == [HUANGPU, GUSU]
        assert story["receipts_verified"] >= 8
        acts = [(entry["district"], entry["event"]) for entry in story["timeline"]]
        decided = DECIDED.get(story["story"], "granted")
        assert acts[0] == (GUSU, "submitted")
        assert acts.index((HUANGPU, "accepted")) < acts.index((HUANGPU, decided)) < acts.index((GUSU, "closed"))
        assert story["case_no"] in shown
    assert len({story["case_no"] for story in results}) == 3


def test_the_spans_of_a_story_are_those_of_every_service_it_went_through(told) -> None:
    results, _ = told
    for story in results:
        assert set(story["spans"]) == {GUSU, HUANGPU}
        for code in (GUSU, HUANGPU):
            assert {"gateway", "case_routing", "courier"} <= set(story["spans"][code])
        assert story["spans"][GUSU]["notification"] > 0
        assert len(story["trace_ids"]) >= 3, "the application, the acceptance and the decision"


def test_trace_tells_the_same_to_a_program_and_names_the_district_that_is_away(environment, told, asked) -> None:
    results, _ = told
    number = results[0]["case_no"]
    done = asked("trace", number, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["districts"] == {GUSU: "told", HUANGPU: "told"}
    assert [(e["district"], e["event"]) for e in found["timeline"]] == [
        (e["district"], e["event"]) for e in results[0]["timeline"]
    ]
    assert found["spans"] == results[0]["spans"]
    shown = asked("trace", number)
    assert number in shown.stdout
    assert "Huangpu" in shown.stdout

    environment.stop_process(HUANGPU, "gateway")
    try:
        done = asked("trace", number, "--json")
        shown = asked("trace", number)
    finally:
        environment.start_process(HUANGPU, "gateway")
    assert (done.returncode, shown.returncode) == (1, 1)
    found = json.loads(done.stdout)
    assert found["districts"] == {GUSU: "told", HUANGPU: "away"}
    assert {entry["district"] for entry in found["timeline"]} == {GUSU, HUANGPU}, "each side has both sides' acts"
    assert "away" in shown.stdout


def test_a_number_that_nobody_knows_is_told_so(asked) -> None:
    done = asked("trace", f"{GUSU}-20260101-ABCDEFGH")
    assert done.returncode == 2
    assert "no district that answers knows" in done.stderr


def test_status_names_what_does_not_run(environment, asked) -> None:
    done = asked("status", "--json")
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert set(found) == {GUSU, HUANGPU}
    for district in found.values():
        assert {"gateway", "openapi", "issuer", "amqp_trial", "links", "queues", "processes"} <= set(district)
        assert all(process["ready"] for process in district["processes"].values())
        assert [link["state"] for link in district["links"]] == ["LINK_STATE_UP"]
    environment.stop_process(HUANGPU, "hotline")
    try:
        done, shown = asked("status", "--json"), asked("status")
    finally:
        environment.start_process(HUANGPU, "hotline")
    assert (done.returncode, shown.returncode) == (1, 1)
    processes = json.loads(done.stdout)[HUANGPU]["processes"]
    assert [name for name, process in processes.items() if not process["ready"]] == ["hotline"]
    assert "not ready" in shown.stdout
