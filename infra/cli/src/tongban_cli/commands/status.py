"""`tongban status [--json]`: what runs, asked of what runs."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tongban_cli.main import environment_of


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("status", help="what runs: addresses, processes, links, queues")
    parser.add_argument("--json", action="store_true", help="for programs, by division code")


def run(args: argparse.Namespace) -> int:
    """0 when everything that was brought up is ready, 1 otherwise."""
    from tongban_local.environment import Environment
    from tongban_local.status import status

    found = status(Environment(environment_of(args)))
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _show(found)
    processes = [process for district in found.values() for process in district["processes"].values()]
    return 0 if processes and all(process["ready"] for process in processes) else 1


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not any(district["processes"] for district in found.values()):
        console.print("nothing runs: `make up` starts it")
        return
    for code, district in found.items():
        table = Table(title=f"{code} {district['name_zh']} {district['name_en']}", title_justify="left")
        for heading in ("process", "state", "pid", "seconds"):
            table.add_column(heading)
        for name, process in district["processes"].items():
            state = "[green]ready[/green]" if process["ready"] else f"[red]{process['state']}, not ready[/red]"
            table.add_row(name, state, str(process["pid"] or ""), str(process["seconds"]))
        console.print(table)
        for key in ("portal", "gateway", "openapi", "issuer", "courier", "spans", "mail_folder", "ca_file"):
            console.print(f"  {key}: {district[key]}", soft_wrap=True)
        for link in district["links"] or ():
            console.print(f"  link: {_link(link)}", soft_wrap=True)
        if district["links"] is None and district["processes"]:
            console.print("  links: unknown, the courier or its broker does not answer")
        queues = {name: queue["messages"] for name, queue in (district["queues"] or {}).items()}
        # A marker stays where it is: it tells that this broker has not been emptied. `unheard` takes events without a handler.
        idle = ("marker.", "unheard")
        waiting = [f"{name} {count}" for name, count in queues.items() if count and not name.startswith(idle)]
        told = (", ".join(waiting) or "none") if district["queues"] is not None else "unknown, the broker is away"
        console.print(f"  messages waiting: {told}", soft_wrap=True)


def _link(link: dict[str, Any]) -> str:
    """One link in a line; the API's words, and what waits."""
    state = str(link.get("state", "")).removeprefix("LINK_STATE_").lower() or "new"
    colour = "green" if state == "up" else "red"
    lights = ", ".join(link.get("lights", [])) or "none"
    waiting, oldest = int(link.get("waiting", 0)), float(link.get("oldestWaitingS", 0))
    since = link.get("noConnectionSince", "")
    unconnected = ", no connection" + (f" since {since}" if since else "")
    return (
        f"{link['peer']} [{colour}]{state}[/{colour}]{'' if link.get('connected') else unconnected}, "
        f"round trip {float(link.get('roundTripMs', 0)):.0f} ms, {waiting} waiting"
        + (f" (oldest {oldest:.0f} s)" if waiting else "")
        + f", lights: {lights}"
    )
