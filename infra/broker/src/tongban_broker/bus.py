"""bus.yaml as Python: who calls whom, who publishes what to whom, what comes by courier, and the names that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

LOCK = Path(__file__).parents[2] / "queues.lock"


@dataclass(frozen=True)
class CourierMessage:
    """One row of what travels between districts."""

    type: str
    source: str
    handler: str
    opens: bool

    @property
    def name(self) -> str:
        return self.type.rpartition(".")[2]

    @property
    def target(self) -> str:
        return self.handler.partition(".")[0]

    @property
    def routing_key(self) -> str:
        """Its key on `courier.events`, where the courier hands it on."""
        return f"{self.target}.{self.name}"


@dataclass(frozen=True)
class Bus:
    """The table, read."""

    calls: Mapping[str, tuple[str, ...]]
    events: Mapping[str, Mapping[str, tuple[str, ...]]]
    addressed: frozenset[str]
    courier: tuple[CourierMessage, ...]
    retry_ladder: tuple[int, ...]

    @classmethod
    def load(cls) -> Bus:
        return cls.of(yaml.safe_load(resources.files(__package__).joinpath("bus.yaml").read_text()))

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Bus:
        return cls(
            calls={caller: tuple(methods) for caller, methods in table["calls"].items()},
            events={
                source: {event: tuple(handlers) for event, handlers in events.items()}
                for source, events in table["events"].items()
            },
            addressed=frozenset(table["addressed"]),
            courier=tuple(
                CourierMessage(name, row["from"], row["to"], bool(row.get("opens", False)))
                for name, row in table["courier"].items()
            ),
            retry_ladder=tuple(table["retry_ladder"]),
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method that somebody may call."""
        return tuple(sorted({method for methods in self.calls.values() for method in methods}))

    @property
    def servers(self) -> tuple[str, ...]:
        """The services that answer calls or handle messages; each has its queues and its database."""
        return tuple(sorted({method.partition(".")[0] for method in self.methods} | set(self.events)))

    @property
    def users(self) -> tuple[str, ...]:
        """Every service that logs in to the broker."""
        return tuple(sorted({*self.servers, *self.calls}))

    def callers_of(self, service: str) -> tuple[str, ...]:
        """Who may wait for an answer of `service`."""
        return tuple(
            sorted(c for c, methods in self.calls.items() if any(m.startswith(f"{service}.") for m in methods))
        )

    def event_keys(self, source: str) -> tuple[str, ...]:
        """The routing keys that `source` may use on its own exchange."""
        keys = set()
        for event, handlers in self.events.get(source, {}).items():
            keys |= {key for key, _ in self._deliveries(source, event, handlers)} or {event}
        if source == "courier":
            keys |= {message.routing_key for message in self.courier}
        return tuple(sorted(keys))

    def _deliveries(self, source: str, event: str, handlers: tuple[str, ...]) -> list[tuple[str, str]]:
        if f"{source}.{event}" in self.addressed:  # one copy each, for the service that it concerns
            return [(f"{handler.partition('.')[0]}.{event}", handler) for handler in handlers]
        return [(event, handler) for handler in handlers]

    def deliveries(self) -> tuple[tuple[str, str, str], ...]:
        """(exchange, routing key, queue) of every handler."""
        rows = [
            (f"{source}.events", key, event_queue(handler))
            for source, events in self.events.items()
            for event, handlers in events.items()
            for key, handler in self._deliveries(source, event, handlers)
        ]
        rows += [("courier.events", message.routing_key, event_queue(message.handler)) for message in self.courier]
        return tuple(sorted(rows))

    def unheard(self) -> tuple[tuple[str, str], ...]:
        """(exchange, routing key) of every event that is published though nobody handles it yet."""
        rows = [
            (f"{source}.events", event)
            for source, events in self.events.items()
            for event, to in events.items()
            if not to
        ]
        return tuple(sorted(rows))

    def event_queues(self, service: str) -> tuple[str, ...]:
        """The queues of the handlers of `service`; the courier's is where the others' messages to districts arrive."""
        own = {queue for _, _, queue in self.deliveries() if queue.startswith(f"evt.{service}.")}
        return tuple(sorted(own | ({OUTBOUND} if service == "courier" else set())))

    def sends(self, service: str) -> tuple[str, ...]:
        """The routing keys under which `service` hands messages to the courier."""
        return tuple(sorted(f"{service}.{message.name}" for message in self.courier if message.source == service))


OUTBOUND = "evt.courier.outbound"


def event_queue(handler: str) -> str:
    """The queue of one handler, `service.method`: renaming the method would strand its messages (queues.lock)."""
    return f"evt.{handler}"


def retry_name(seconds: int) -> str:
    """The exchange and the queue of one rung of the ladder."""
    return f"retry.{seconds}s"
