"""The dashboards and the runbooks' index are what the code makes of them, and Grafana can lay them out."""

import itertools
import json

import pytest
from tongban_observability.__main__ import DASHBOARDS, stale
from tongban_observability.pages import dashboards


def test_what_stands_in_the_tree_is_what_the_code_makes():
    assert stale() == [], "run: python -m tongban_observability"


@pytest.fixture(params=list(dashboards()), ids=lambda dashboard: dashboard.uid)
def model(request):
    return request.param.model()


def test_every_panel_has_a_place_of_its_own_inside_the_grid(model):
    places = [panel["gridPos"] for panel in model["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_panels_and_their_queries_are_numbered_uniquely(model):
    numbers = [panel["id"] for panel in model["panels"]]
    assert len(numbers) == len(set(numbers))
    for panel in model["panels"]:
        references = [target["refId"] for target in panel.get("targets", ())]
        assert len(references) == len(set(references))


def test_every_panel_asks_something_and_uses_only_variables_that_the_dashboard_has(model):
    chosen = {variable["name"] for variable in model["templating"]["list"]}
    for panel in (panel for panel in model["panels"] if panel["type"] != "row"):
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            words = target["expr"].replace("$__rate_interval", "")
            used = {word.split('"')[0] for word in words.split("$")[1:]}
            assert used <= chosen, target["expr"]


def test_dashboards_have_titles_and_addresses_of_their_own():
    shown = [json.loads(path.read_text()) for path in DASHBOARDS.glob("*.json")]
    assert len({one["uid"] for one in shown}) == len({one["title"] for one in shown}) == len(shown) == 4
