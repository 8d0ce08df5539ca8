"""What runs, read back from what runs: supervisord, the broker, the courier. Nothing here is remembered."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pika
from tongban_broker.definitions import queue_names
from tongban_broker.rights import COURIER_VHOST, VHOST

from tongban_local.environment import Environment
from tongban_local.installation import Installation
from tongban_local.links import read_links
from tongban_local.programs import is_ready


def status(environment: Environment) -> dict[str, dict[str, Any]]:
    """By division code: names, addresses, `amqp_trial`, `links`, `queues`, `processes`."""
    infos = environment.supervisor.processes()
    return {
        place.code: _district(place, [i for i in infos if i["group"] == place.code]) for place in environment.places
    }


def _district(place: Installation, infos: list[dict[str, Any]]) -> dict[str, Any]:
    processes = {info["name"]: _process(place, info) for info in infos}
    up = {name for name, process in processes.items() if process["ready"]}
    district = place.district
    return {
        "name_zh": place.facts.name_zh,
        "name_en": place.facts.name_en,
        "relation": place.facts.relation,
        "portal": place.portal,
        "gateway": place.gateway,
        "openapi": f"{place.gateway}/openapi.json",
        "issuer": place.issuer,
        "ca_file": str(place.authority),
        "amqp_trial": district.trial_url if district.trial else None,
        "courier": place.courier_address,
        "spans": place.spans_url,
        "mail_folder": str(place.mail_folder),
        "links": read_links(place) if {"broker", "courier"} <= up else None,
        "queues": _queues(place) if "broker" in up else None,
        "processes": processes,
    }


def _process(place: Installation, info: dict[str, Any]) -> dict[str, Any]:
    running = info["statename"] == "RUNNING"
    return {
        "state": info["statename"].lower(),
        "pid": info["pid"] or None,
        "seconds": int(time.time() - info["start"]) if running else 0,
        "ready": running and is_ready(place, info["name"]),
        "log": info["stdout_logfile"],
    }


def _queues(place: Installation) -> dict[str, dict[str, int]]:
    """Messages and consumers of every queue, by name; a passive declare needs no right on it."""
    district = place.district
    found: dict[str, dict[str, int]] = {}
    for vhost in (VHOST, COURIER_VHOST):
        url = district.broker.url("monitor", district.secrets.monitor, vhost)
        with suppress(pika.exceptions.AMQPError, OSError):
            connection = pika.BlockingConnection(pika.URLParameters(url))
            for name in queue_names(district.bus, vhost):
                with suppress(pika.exceptions.ChannelClosed):  # a queue that somebody deleted is missing here
                    answer = connection.channel().queue_declare(name, passive=True).method
                    found[name] = {"messages": answer.message_count, "consumers": answer.consumer_count}
            connection.close()
    return found
