"""What a page of metrics says."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


def sample(page: str, metric: str, /, **labels: str) -> float:
    """The sum of a metric's samples that carry these labels; 0 where there is none yet."""
    found = (one for family in text_string_to_metric_families(page) for one in family.samples if one.name == metric)
    return sum(one.value for one in found if labels.items() <= one.labels.items())
