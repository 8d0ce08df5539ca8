"""A second district is brought up beside one that runs already, and each hears of what the other offers."""

from __future__ import annotations

from typing import Any

import pytest
from tongban_cli.client import Person
from tongban_local.environment import Environment

from tests.support.calls import eventually
from tests.system.openapi_things import GUSU, HUANGPU, PATIENCE_S


@pytest.fixture(scope="module")
def joined(environment: Environment) -> Environment:
    """Huangpu ends with the environment: other tests here need it too."""
    environment.up([GUSU, HUANGPU])
    return environment


def items(person: Person, district: str) -> list[dict[str, Any]]:
    return list(person.get("/v1/items", handling_district=district, size=100)["items"])


@pytest.mark.parametrize(("here", "there"), [(GUSU, HUANGPU), (HUANGPU, GUSU)])
def test_every_item_of_one_is_soon_known_in_the_other(joined, here, there) -> None:
    """Also those that were published long before the other was there."""
    with Person.of(joined[here], "citizen") as at_home, Person.of(joined[there], "citizen") as abroad:
        own = {(item["code"], item["version"]) for item in items(at_home, here)}
        assert own
        eventually(lambda: {(item["code"], item["version"]) for item in items(abroad, here)} == own, PATIENCE_S)
