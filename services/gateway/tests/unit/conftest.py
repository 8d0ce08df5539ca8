"""One gateway with fakes around it a test."""

import asyncio

import pytest

from ..fakes import Gateway


@pytest.fixture
def gateway(tmp_path) -> Gateway:
    return Gateway(tmp_path)


@pytest.fixture
def ask(gateway):
    """`ask("GET", "/v1/items", "citizen")`: the answer to one request."""

    def ask(method: str, path: str, *roles: str, **more):
        return asyncio.run(gateway.send(method, path, *roles, **more))

    return ask
