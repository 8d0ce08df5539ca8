"""Rate, errors and duration of everything that services do."""

from __future__ import annotations

from tongban_observability.panels import Dashboard, Panel
from tongban_observability.queries import CHOSEN, DISTRICT, WINDOW, all_of, rate, within


def dashboard() -> Dashboard:
    return Dashboard(
        "tongban-red",
        "tongban: services",
        "Rate, errors and duration: how services answer people and each other, handle events, and work by the clock.",
        {
            "HTTP: gateway and sign-in": _http(),
            "Calls on the bus, seen by the service": _served(),
            "Calls on the bus, seen by the caller": _called(),
            "Events": _events(),
            "Timed work": _timed(),
            "Processes": _processes(),
        },
        {"district": "tongban_workers_busy", "service": "process_start_time_seconds"},
    )


def _http() -> list[Panel]:
    answered, seconds = "tongban_http_answered_total", "tongban_http_answer_seconds"
    failed = rate(answered, "service, route, status", f'{CHOSEN},status=~"5.."')
    return [
        Panel("Requests", {"{{service}} {{route}}": rate(answered, "service, route")}, "reqps"),
        Panel("Answered with 5xx", {"{{service}} {{route}} {{status}}": failed}, "reqps"),
        Panel(
            "95 % are answered within",
            {"{{service}} {{route}}": within(seconds, "service, route")},
            "s",
            limits=(0.5, 1.0),
        ),
    ]


def _served() -> list[Panel]:
    served = "tongban_rpc_served_total"
    failed = rate(served, "method, outcome", f'{CHOSEN},outcome=~"unavailable|deadline|internal"')
    not_run = {
        "{{method}} expired": rate("tongban_rpc_expired_total", "method"),
        "{{service}} unanswerable": rate("tongban_rpc_unanswerable_total", "service"),
    }
    return [
        Panel("Calls", {"{{method}}": rate(served, "method")}, "ops"),
        Panel("Calls that failed or were not run", {"{{method}} {{outcome}}": failed, **not_run}, "ops"),
        Panel("95 % are answered within", {"{{method}}": within("tongban_rpc_serve_seconds", "method")}, "s"),
    ]


def _called() -> list[Panel]:
    outcomes = rate("tongban_rpc_called_total", "service, callee, outcome")
    seconds = within("tongban_rpc_call_seconds", "service, callee")
    return [
        Panel("Calls made", {"{{service}} → {{callee}} {{outcome}}": outcomes}, "ops", width=12),
        Panel("95 % have their answer within", {"{{service}} → {{callee}}": seconds}, "s", width=12),
    ]


def _events() -> list[Panel]:
    refused = all_of("tongban_catalogue_refused_total", "district, peer", DISTRICT)
    handled = rate("tongban_events_handled_total", "handler, outcome")
    return [
        Panel("Deliveries, by what came of them", {"{{handler}} {{outcome}}": handled}, "ops"),
        Panel("95 % are handled within", {"{{handler}}": within("tongban_event_handle_seconds", "handler")}, "s"),
        Panel("Service items that a peer refused", {"{{district}} → {{peer}}": refused}),
    ]


def _timed() -> list[Panel]:
    runs, forgotten = "tongban_timer_runs_total", "tongban_rows_forgotten_total"
    return [
        Panel("Runs", {"{{timer}} {{outcome}}": rate(runs, "timer, outcome")}, "ops"),
        Panel("Mails, by their state", {"{{state}}": rate("tongban_mails_total", "state")}, "ops"),
        Panel("Rows forgotten", {"{{service}} {{table}}": rate(forgotten, "service, table")}, "ops"),
    ]


def _processes() -> list[Panel]:
    spans = {
        "{{service}} taken": rate("tongban_spans_exported_total", "service"),
        "{{service}} lost: {{reason}}": rate("tongban_spans_dropped_total", "service, reason"),
    }
    memory = f"process_resident_memory_bytes{{{CHOSEN}}}"
    processor = f"rate(process_cpu_seconds_total{{{CHOSEN}}}[{WINDOW}])"
    return [
        Panel("Workers busy", {"{{service}}": all_of("tongban_workers_busy", "service")}, width=6),
        Panel("Resident memory", {"{{service}} {{instance}}": memory}, "bytes", width=6),
        Panel("Processor time", {"{{service}} {{instance}}": processor}, "percentunit", width=6),
        Panel("Spans taken and lost", spans, "ops", width=6),
    ]
