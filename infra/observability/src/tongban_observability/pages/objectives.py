"""How fast each district spends what its objectives allow; the ratios are recorded by prometheus/rules/slo.yaml."""

from __future__ import annotations

from tongban_observability.panels import Dashboard, Panel
from tongban_observability.queries import DISTRICT

_MEANING = "1 spends the budget of 30 days in 30 days. The lines are the limits of the alerts."


def dashboard() -> Dashboard:
    return Dashboard(
        "tongban-slo",
        "tongban: objectives",
        "How fast each district spends what its objectives allow. Rules: infra/observability/prometheus/rules/slo.yaml.",
        {
            "99.9 % of the gateway's answers are no 5xx": _burn(
                "tongban:gateway_errors:ratio_rate", "0.001", "{{district}}"
            ),
            "99 % of the gateway's answers take less than a second": _burn(
                "tongban:gateway_slow:ratio_rate", "0.01", "{{district}}"
            ),
            "99 % of the time nothing waits over a minute for a peer's receipt": _burn(
                "tongban:courier_late:ratio", "0.01", "{{district}} → {{peer}}"
            ),
        },
        {"district": "tongban_http_answered_total"},
    )


def _burn(series: str, budget: str, legend: str) -> list[Panel]:
    hour, hours = (f"{series}{window}{{{DISTRICT}}} / {budget}" for window in ("1h", "6h"))
    left = f"1 - avg_over_time({series}1h{{{DISTRICT}}}[30d]) / {budget}"
    return [
        Panel("Burn over an hour", {legend: hour}, limits=(6, 14.4), meaning=_MEANING),
        Panel("Burn over six hours", {legend: hours}, limits=(1, 6), meaning=_MEANING),
        Panel("Left of the budget of 30 days", {legend: left}, "percentunit", kind="stat"),
    ]
