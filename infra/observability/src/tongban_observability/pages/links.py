"""Who reaches whom: the couriers' links as a matrix of districts and peers, their lights, and what crosses."""

from __future__ import annotations

from tongban_observability.panels import Dashboard, Panel, matrix
from tongban_observability.queries import DISTRICT, all_of, rate, worst

_LINK = "district, peer"
_OF_PEER = f'{DISTRICT},peer=~"$peer"'
_LIGHTS = "0 is health. Which lights they are stands below; what they mean, in services/courier/README.md."


def dashboard() -> Dashboard:
    return Dashboard(
        "tongban-links",
        "tongban: links between districts",
        "Who reaches whom: each line is a district, each column a peer as that district sees it.",
        {
            "Matrix": _matrix(),
            "Lights": _lights(),
            "What crosses": _crossing(),
            "What does not": _stopped(),
            "People": _people(),
        },
        {"district": "tongban_courier_light", "peer": "tongban_courier_light"},
    )


def _matrix() -> list[Panel]:
    lights = all_of("tongban_courier_light", _LINK, DISTRICT)
    oldest = worst("tongban_courier_oldest_waiting_seconds", _LINK, DISTRICT)
    waiting = worst("tongban_courier_waiting", _LINK, DISTRICT)
    round_trip = worst("tongban_courier_round_trip_seconds", _LINK, DISTRICT)
    ends = ("district", "peer")
    return [
        matrix("Lights on", lights, ends, limits=(1, 2), meaning=_LIGHTS),
        matrix("Oldest message without a receipt", oldest, ends, unit="s", limits=(60, 900)),
        matrix("Messages without a receipt", waiting, ends, limits=(100, 1000)),
        matrix("Round trip of the last canary", round_trip, ends, unit="s", limits=(1, 5)),
    ]


def _lights() -> list[Panel]:
    on = worst("tongban_courier_light", "district, peer, light", _OF_PEER)
    return [Panel("Lights that are on", {"{{district}} → {{peer}} {{light}}": f"{on} == 1"}, width=24)]


def _crossing() -> list[Panel]:
    def each(metric: str, prefix: str = "") -> dict[str, str]:
        return {f"{prefix}{{{{district}}}} {{{{peer}}}}": rate(metric, _LINK, _OF_PEER)}

    chunks = {
        **each("tongban_courier_chunks_sent_total", "sent: "),
        **each("tongban_courier_chunks_taken_total", "taken: "),
    }

    return [
        Panel("Numbered for a peer", each("tongban_courier_sent_total"), "ops", width=6),
        Panel("Confirmed by the peer's broker, repeats too", each("tongban_courier_published_total"), "ops", width=6),
        Panel("Closed by a receipt", each("tongban_courier_settled_total"), "ops", width=6),
        Panel("Taken from a peer", each("tongban_courier_taken_total"), "ops", width=6),
        Panel("Chunks of large bodies", chunks, "ops", width=24),
    ]


def _stopped() -> list[Panel]:
    refused = rate("tongban_courier_unsent_total", "district, code", DISTRICT)
    aside = {
        "{{district}} {{code}}": rate("tongban_courier_quarantined_total", "district, code", DISTRICT),
        "{{district}} links closed": rate("tongban_courier_unanswered_total", "district", DISTRICT),
    }
    epochs = all_of("tongban_courier_epochs_total", "district", DISTRICT)
    return [
        Panel("Refused here, before they had a number", {"{{district}} {{code}}": refused}, "ops"),
        Panel("Set aside, or dropped while links are closed", aside, "ops"),
        Panel("Epochs begun", {"{{district}}": epochs}),
    ]


def _people() -> list[Panel]:
    switches = rate("tongban_switches_total", "district, home, outcome", DISTRICT)
    asked = rate("tongban_home_confirmations_total", "district, home, outcome", DISTRICT)
    oldest = worst("tongban_logouts_oldest_seconds", "district, party", DISTRICT)
    waiting = worst("tongban_logouts_waiting", "district", DISTRICT)
    tries = rate("tongban_logout_tries_total", "district, outcome", DISTRICT)
    from_home = "{{home}} → {{district}} {{outcome}}"
    return [
        Panel("Sign-ins at a person's home", {from_home: switches}, "ops", width=12),
        Panel("Homes asked whether a session stands", {from_home: asked}, "ops", width=12),
        Panel("Oldest logout not told", {"{{district}} {{party}}": oldest}, "s", limits=(60, 600)),
        Panel("Logouts not told", {"{{district}}": waiting}),
        Panel("Parties told of a logout", {"{{district}} {{outcome}}": tries}, "ops"),
    ]
