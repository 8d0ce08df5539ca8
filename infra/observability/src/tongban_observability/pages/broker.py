"""What waits where inside a district, and whether everybody is connected."""

from __future__ import annotations

from tongban_observability.panels import Dashboard, Panel
from tongban_observability.queries import CHOSEN, DISTRICT, WINDOW, all_of, rate, worst

_MESSAGES, _CONSUMERS = "rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_consumers"


def dashboard() -> Dashboard:
    return Dashboard(
        "tongban-broker",
        "tongban: broker and outboxes",
        "What waits where inside a district, and whether everybody is connected.",
        {"Outboxes": _outboxes(), "Queues": _queues(), "Connections": _connections()},
        {"district": "tongban_workers_busy", "service": "tongban_workers_busy"},
    )


def _outboxes() -> list[Panel]:
    oldest = worst("tongban_outbox_oldest_seconds", "service")
    refused = rate("tongban_outbox_unroutable_total", "service, type")
    resent = f"sum by (service) (increase(tongban_outbox_resent_total{{{CHOSEN}}}[{WINDOW}]))"
    return [
        Panel("Oldest row that waits", {"{{service}}": oldest}, "s", limits=(10, 60)),
        Panel("Rows that wait", {"{{service}}": all_of("tongban_outbox_waiting", "service")}),
        Panel("Rows confirmed", {"{{service}}": rate("tongban_outbox_published_total", "service")}, "ops"),
        Panel("Rows that the broker would not take", {"{{service}} {{type}}": refused}, "ops", width=12),
        Panel("Rows sent again to an empty broker", {"{{service}}": resent}, width=12),
    ]


def _queues() -> list[Panel]:
    waiting = worst(_MESSAGES, "queue", f'{DISTRICT},queue=~"(evt|retry)[.].*|rpc-.*|courier[.]in"')
    parked = worst(_MESSAGES, "queue", f'{DISTRICT},queue=~"park[.].*"')
    lonely = worst(_CONSUMERS, "queue", f'{DISTRICT},queue=~"evt[.].*|rpc-.*|courier[.]in"')
    return [
        Panel("Messages that wait", {"{{queue}}": waiting}, width=12),
        Panel("Parked", {"{{queue}}": parked}, width=6, limits=(1,)),
        Panel("Queues that nobody takes from", {"{{queue}}": f"{lonely} == 0"}, width=6),
    ]


def _connections() -> list[Panel]:
    standing = f"min by (service, connection) (tongban_broker_connected{{{CHOSEN}}})"
    lost = rate("tongban_broker_reconnects_total", "service, connection")
    alarms = {
        "{{district}} memory": worst("rabbitmq_alarms_memory_used_watermark", "district", DISTRICT),
        "{{district}} disk": worst("rabbitmq_alarms_free_disk_space_watermark", "district", DISTRICT),
    }
    return [
        Panel("Connected", {"{{service}} {{connection}}": standing}),
        Panel("Connections lost", {"{{service}} {{connection}}": lost}, "ops"),
        Panel("Alarms of the broker", alarms, limits=(1,)),
    ]
