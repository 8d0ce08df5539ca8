"""`tongban chart [--check]`: writes what charts/district is made from elsewhere; with --check says what no longer agrees.

values.schema.json, and the README's table     from values.yaml
files/broker/definitions.json, peer.json       from infra/broker/src/tongban_broker/bus.yaml
files/database/pg_hba.conf                     from infra/database
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- values: made by `tongban chart` -->\n", "<!-- end of values -->\n"


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "chart", help="write what the chart is made from elsewhere: schema, tables, definitions"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where something no longer agrees")


def run(args: argparse.Namespace) -> int:
    """0 written, or all agrees; 1 something does not."""
    from tongban_local.checkout import ROOT

    chart = ROOT / "charts" / "district"
    stale = [path for path, text in generated(chart).items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if args.check:
            print(
                f"{path.relative_to(ROOT)} no longer agrees with what it is made from: tongban chart", file=sys.stderr
            )
        else:
            path.write_text(generated(chart)[path])
            print(f"{path.relative_to(ROOT)} written")
    return 1 if args.check and stale else 0


def generated(chart: Path) -> dict[Path, str]:
    """Every generated file of the chart, with what it should hold."""
    from tongban_broker.bus import Bus
    from tongban_broker.secretless import for_chart, peer_rows
    from tongban_database.roles import access_lines, owners

    from tongban_cli.chart_values import read, schema, table

    bus, values = Bus.load(), read((chart / "values.yaml").read_text())
    readme = chart / "README.md"
    # A superuser for the set-up Job; where connections may come from is the NetworkPolicy's to say.
    # Backups leave through the pod itself.
    superuser = ["host all postgres all scram-sha-256", "host replication postgres 127.0.0.1/32 scram-sha-256"]
    access = [*superuser, *access_lines(owners(bus.servers), network="all")]
    return {
        chart / "values.schema.json": _json(schema(values)),
        readme: _with_table(readme.read_text(), table(values)),
        chart / "files" / "broker" / "definitions.json": _json(for_chart(bus)),
        chart / "files" / "broker" / "peer.json": _json(peer_rows(bus)),
        chart / "files" / "database" / "pg_hba.conf": "".join(f"{line}\n" for line in access),
    }


def _json(made: Any) -> str:
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _with_table(text: str, table: str) -> str:
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table}{_END}{after}"
