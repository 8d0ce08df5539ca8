"""PromQL that several dashboards write in the same way."""

from __future__ import annotations

#: The districts and services chosen at the top of a dashboard.
DISTRICT = 'district=~"$district"'
CHOSEN = f'{DISTRICT},service=~"$service"'
WINDOW = "$__rate_interval"


def rate(metric: str, by: str, labels: str = CHOSEN) -> str:
    """How often a second."""
    return f"sum by ({by}) (rate({metric}{{{labels}}}[{WINDOW}]))"


def within(histogram: str, by: str, labels: str = CHOSEN) -> str:
    """The seconds within which 95 % end."""
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate({histogram}_bucket{{{labels}}}[{WINDOW}])))"


def worst(metric: str, by: str, labels: str = CHOSEN) -> str:
    """The greatest of several processes' values."""
    return f"max by ({by}) ({metric}{{{labels}}})"


def all_of(metric: str, by: str, labels: str = CHOSEN) -> str:
    """The sum of several processes' values."""
    return f"sum by ({by}) ({metric}{{{labels}}})"
