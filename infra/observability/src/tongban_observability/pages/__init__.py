"""The dashboards, as code, one a module."""

from __future__ import annotations

from collections.abc import Iterator

from tongban_observability.pages import broker, links, objectives, services
from tongban_observability.panels import Dashboard


def dashboards() -> Iterator[Dashboard]:
    """Every dashboard that there is."""
    for module in (services, broker, links, objectives):
        yield module.dashboard()
