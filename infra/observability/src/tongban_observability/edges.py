"""Where every alert begins: how long its condition holds first, and the last value on each side of its thresholds.

A case is a set of series, each with its samples in promtool's notation, one a minute from minute 0. Every case gets a district of
its own, written {d}, so all of them fit into one world and promtool runs once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Series = Mapping[str, str]


@dataclass(frozen=True)
class Edge:
    """What one alert promises.

    after: minutes for which the condition must hold. since: the minute at which it begins to hold in every case of `fires`.
    quiet: cases just on the other side; they are looked at long after the alert could have fired.
    """

    alert: str
    fires: tuple[Series, ...]
    quiet: tuple[Series, ...]
    after: int = 0
    since: int = 0


@dataclass(frozen=True)
class Look:
    """Whether `alert` must be firing for a district at a minute."""

    alert: str
    district: str
    minute: int
    fires: bool

    def expression(self, name: str) -> str:
        return f'count(ALERTS{{alertname="{name}",alertstate="firing",district="{self.district}"}})'


@dataclass
class World:
    """The samples of every case, and what is looked for in them."""

    series: list[dict[str, str]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def add(self, edge: Edge) -> None:
        begins = edge.since + edge.after
        for case in edge.fires:
            district = self._district(case)
            self.looks.append(Look(edge.alert, district, begins, fires=True))
            if begins:
                self.looks.append(Look(edge.alert, district, begins - 1, fires=False))
        for case in edge.quiet:
            self.looks.append(Look(edge.alert, self._district(case), begins + 5, fires=False))

    def _district(self, case: Series) -> str:
        district = f"{900000 + len(self.series)}"
        for name, values in case.items():
            self.series.append({"series": name.replace("{d}", f'district="{district}"'), "values": values})
        return district

    def test(self, rule_files: list[str], names: Mapping[str, list[str]], order: list[str]) -> dict[str, Any]:
        """A file for promtool. names: under which names each alert stands in the rule files."""
        looks = [
            {
                "expr": look.expression(name),
                "eval_time": f"{look.minute}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if look.fires else [],
            }
            for look in self.looks
            for name in names[look.alert]
        ]
        return {
            "rule_files": rule_files,
            "evaluation_interval": "1m",
            "group_eval_order": order,
            "tests": [{"interval": "1m", "input_series": self.series, "promql_expr_test": looks}],
        }


def mutants(rule: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A rule with one thing wrong: no waiting, three times the waiting, a threshold times three, a third of it."""
    if "for" in rule:
        yield "no for", {**rule, "for": "0s"}
        yield "for x3", {**rule, "for": _thrice(rule["for"])}
    for number, found in enumerate(_THRESHOLD.finditer(rule["expr"])):
        value = float(found["value"])
        for said, wrong in (("x3", value * 3), ("/3", value / 3)) if value else (("is 1", 1.0),):
            text = f"{rule['expr'][: found.start('value')]}{wrong!r}{rule['expr'][found.end('value') :]}"
            yield f"{number} {found[0]} {said}", {**rule, "expr": text}


_THRESHOLD = re.compile(r"(?:>=|<=|==|>|<)\s*(?P<value>[0-9.]+)(?![\w.])")


def _thrice(time: str) -> str:
    return f"{int(time[:-1]) * 3}{time[-1]}"


def _light(alert: str, *lights: str, after: int = 0) -> Edge:
    """A lamp of the courier's is on (1) or off (0)."""

    def lit(light: str, value: int) -> Series:
        return {f'tongban_courier_light{{{{d}},peer="310101",light="{light}"}}': f"{value}x99"}

    return Edge(alert, tuple(lit(one, 1) for one in lights), tuple(lit(one, 0) for one in lights), after)


def _counted(alert: str, series: str, most: int = 0) -> Edge:
    """A counter that appears at minute 5 with one more than may be, or that stands at what may be."""
    return Edge(alert, ({series: f"_x5 {most + 1}x99"},), ({series: f"_x5 {most}x99"},), since=5)


def _gauge(alert: str, series: str, over: str, edge: str, after: int) -> Edge:
    return Edge(alert, ({series: f"{over}x99"},), ({series: f"{edge}x99"},), after)


def _burns(alert: str, ratio: str, windows: tuple[str, str], budget: tuple[str, str], after: int) -> Edge:
    """budget: a ratio just over the threshold and one just under it. One window alone over it is not enough."""
    long, short = (f"tongban:{ratio}{window}{{{{d}}}}" for window in windows)
    over, under = (f"{one}x99" for one in budget)
    return Edge(
        alert,
        ({long: over, short: over},),
        ({long: under, short: "0.9x99"}, {long: "0.9x99", short: under}),
        after,
    )


def _share(alert: str, series: str, part: str, rest: str, after: int) -> Edge:
    """Over and under a twentieth of a hundred a minute. A rate has its second sample at minute 1."""

    def shared(number: int) -> Series:
        return {
            series.replace("{outcome}", part): f"0+{number}x99",
            series.replace("{outcome}", rest): f"0+{100 - number}x99",
        }

    return Edge(alert, (shared(6),), (shared(4),), after, since=1)


_FAST, _SLOW = ("1h", "5m"), ("6h", "30m")
_BURN = ("0.1450", "0.1430"), ("0.0610", "0.0590")  # of a budget of 1 %, and ten times too much for one of 0.1 %
_FINE = ("0.01450", "0.01430"), ("0.00610", "0.00590")
_DAY = 86_400

EDGES = (
    # bus.yaml
    _gauge("OutboxOld", 'tongban_outbox_oldest_seconds{{d},service="hotline"}', "61", "60", after=2),
    _counted("OutboxUnroutable", 'tongban_outbox_unroutable_total{{d},service="hotline",type="t"}'),
    _counted("BrokerCameBackEmpty", 'tongban_outbox_resent_total{{d},service="hotline"}'),
    _gauge(
        "BrokerAway", 'tongban_broker_connected{{d},service="hotline",connection="hotline relay"}', "0", "1", after=1
    ),
    Edge(
        "BrokerUnsteady",
        ({'tongban_broker_reconnects_total{{d},service="hotline",connection="hotline.rpc"}': "0x14 6x99"},),
        ({'tongban_broker_reconnects_total{{d},service="hotline",connection="hotline.rpc"}': "0x14 4x99"},),
        since=15,
    ),
    Edge(
        "BrokerAlarm",
        (
            {"rabbitmq_alarms_memory_used_watermark{{d}}": "1x99"},
            {"rabbitmq_alarms_free_disk_space_watermark{{d}}": "1x99"},
        ),
        (
            {
                "rabbitmq_alarms_memory_used_watermark{{d}}": "0x99",
                "rabbitmq_alarms_free_disk_space_watermark{{d}}": "0x99",
            },
        ),
        after=1,
    ),
    _gauge(
        "QueueWithoutConsumer", 'rabbitmq_detailed_queue_consumers{{d},queue="evt.hotline.on_it"}', "0", "1", after=5
    ),
    _gauge("QueueLong", 'rabbitmq_detailed_queue_messages{{d},queue="evt.hotline.on_it"}', "5001", "5000", after=10),
    _counted("MessagesParked", 'tongban_events_handled_total{{d},handler="hotline.on_it",outcome="parked"}'),
    _gauge("MessagesParked", 'rabbitmq_detailed_queue_messages{{d},queue="park.hotline"}', "1", "0", after=0),
    Edge(  # a tenth a second is six a minute; seven are over it once the window of five minutes is full
        "CallsExpired",
        ({'tongban_rpc_expired_total{{d},service="hotline",method="m"}': "0+7x99"},),
        ({'tongban_rpc_expired_total{{d},service="hotline",method="m"}': "0+5x99"},),
        after=5,
        since=5,
    ),
    _counted("CallsUnanswerable", 'tongban_rpc_unanswerable_total{{d},service="hotline"}'),
    _share(
        "ServiceOverloaded",
        'tongban_rpc_served_total{{d},service="hotline",method="m",outcome="{outcome}"}',
        "unavailable",
        "ok",
        after=5,
    ),
    _counted("ServiceFails", 'tongban_rpc_served_total{{d},service="hotline",method="m",outcome="internal"}'),
    _counted("TimedWorkFails", 'tongban_timer_runs_total{{d},service="courier",timer="t",outcome="error"}', most=2),
    # courier.yaml
    _burns("CourierDeliveryBurnsFast", "courier_late:ratio", _FAST, _BURN[0], after=2),
    _burns("CourierDeliveryBurnsSlowly", "courier_late:ratio", _SLOW, _BURN[1], after=15),
    _gauge(
        "CourierDeliveryBurnsFast", 'tongban_courier_oldest_waiting_seconds{{d},peer="310101"}', "61", "60", after=2
    ),
    _light("CourierCanaryLost", "no_canary", after=1),
    _gauge("CourierMessageOld", 'tongban_courier_oldest_waiting_seconds{{d},peer="310101"}', "901", "900", after=1),
    _light("CourierMissingNumbers", "missing_numbers", after=1),
    _light("CourierConflict", "conflict"),
    _counted("CourierQuarantine", 'tongban_courier_quarantined_total{{d},code="courier.bad_signature"}'),
    _light("CourierQuarantine", "quarantine"),
    _light("CourierNoAnswer", "no_answer", after=5),
    _light("CourierOutOfOrder", "out_of_order", after=1),
    _light("CourierClockDiffers", "clock", after=5),
    _light("CourierAgreementMissing", "agreement_missing", after=1),
    _light("CourierMemberSuspended", "suspended"),
    _light("CourierRegistryExpired", "registry_expired"),
    _light("CourierPeerRestored", "peer_restored"),
    _light("CourierProofDiffers", "receipt_differs", "log_differs"),
    _counted("CourierRefusedHere", 'tongban_courier_unsent_total{{d},code="courier.x"}'),
    _counted("CourierEpochBegun", "tongban_courier_epochs_total{{d}}"),
    _counted("CourierLinksClosed", "tongban_courier_unanswered_total{{d}}"),
    _counted("CatalogueCopiesOutOfDate", 'tongban_catalogue_refused_total{{d},peer="310101"}'),
    # engines.yaml
    _gauge("DatabaseAway", "pg_up{{d}}", "0", "1", after=1),
    _gauge("DatabaseAway", "cnpg_collector_up{{d}}", "0", "1", after=1),
    Edge(
        "DatabaseConnectionsShort",
        ({"pg_stat_activity_count{{d}}": "86x99", "pg_settings_max_connections{{d}}": "100x99"},),
        ({"pg_stat_activity_count{{d}}": "85x99", "pg_settings_max_connections{{d}}": "100x99"},),
        after=10,
    ),
    _gauge("ProcessDown", 'up{{d},job="tongban-services",instance="a:8081"}', "0", "1", after=2),
    Edge(
        "FilesShort",
        ({'process_open_fds{{d},instance="a"}': "81x99", 'process_max_fds{{d},instance="a"}': "100x99"},),
        ({'process_open_fds{{d},instance="a"}': "80x99", 'process_max_fds{{d},instance="a"}': "100x99"},),
        after=10,
    ),
    Edge(  # the clock begins at 0: at minute 1 a little less than fourteen days are left
        "CertificateEndsSoon",
        ({'certmanager_certificate_expiration_timestamp_seconds{{d},name="edge"}': f"{14 * _DAY}x99"},),
        ({'certmanager_certificate_expiration_timestamp_seconds{{d},name="edge"}': f"{14 * _DAY + 99 * 60}x99"},),
        after=60,
        since=1,
    ),
    # gateway.yaml
    _burns("GatewayAvailabilityBurnsFast", "gateway_errors:ratio_rate", _FAST, _FINE[0], after=2),
    _burns("GatewayAvailabilityBurnsSlowly", "gateway_errors:ratio_rate", _SLOW, _FINE[1], after=15),
    _burns("GatewayLatencyBurnsFast", "gateway_slow:ratio_rate", _FAST, _BURN[0], after=2),
    _burns("GatewayLatencyBurnsSlowly", "gateway_slow:ratio_rate", _SLOW, _BURN[1], after=15),
    _share(
        "SignInFails",
        'tongban_http_answered_total{{d},service="identity",route="/token",status="{outcome}"}',
        "500",
        "200",
        after=5,
    ),
    _gauge(
        "EndedSessionsUnknown", 'tongban_gateway_ended_sessions_age_seconds{{d},service="gateway"}', "61", "60", after=2
    ),
    _gauge("LogoutsNotTold", 'tongban_logouts_oldest_seconds{{d},party="portal"}', "601", "600", after=2),
    Edge(  # either counter tells it; either answer since takes it back. A hundredth more is once in ten minutes
        "HomeCannotBeAsked",
        (
            {'tongban_home_confirmations_total{{d},home="310101",outcome="away"}': "0+0.05x99"},
            {'tongban_switches_total{{d},home="310101",outcome="away"}': "0+0.05x99"},
        ),
        (
            {'tongban_home_confirmations_total{{d},home="310101",outcome="away"}': "7x99"},
            {
                'tongban_home_confirmations_total{{d},home="310101",outcome="away"}': "0+9x99",
                'tongban_home_confirmations_total{{d},home="310101",outcome="confirmed"}': "0+0.05x99",
            },
            {
                'tongban_home_confirmations_total{{d},home="310101",outcome="away"}': "0+9x99",
                'tongban_switches_total{{d},home="310101",outcome="signed_in"}': "0+0.05x99",
            },
        ),
        after=5,
        since=1,
    ),
    # people.yaml, telemetry.yaml
    _counted("MailsFail", 'tongban_mails_total{{d},state="failed"}'),
    Edge(
        "SpansLost",
        ({'tongban_spans_dropped_total{{d},service="hotline"}': "_x5 1x99"},),
        ({'tongban_spans_dropped_total{{d},service="hotline"}': "_x5 0x99"},),
        after=5,
        since=5,
    ),
    _counted("TelemetryNamesRefused", 'tongban_telemetry_names_refused_total{{d},service="hotline",name="n"}'),
)
