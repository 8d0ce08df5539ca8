"""`python -m catalogue`: the service; `python -m catalogue import-items FILE`: its items from a file.

An import writes one JSON object on standard output: `added`, `changed`, `unchanged`, and `bad`, a list of `row` and
`reason`. It ends with 0, with 1 where rows were left out, and with 2 where the file as a whole makes no sense.
"""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from catalogue import wiring
from catalogue.adapters.items_file import read_items
from catalogue.domain.errors import UnreadableFile
from catalogue.service import CatalogueService
from catalogue.settings import Settings
from catalogue.usecases.import_items import import_items
from chassis.process import Process
from chassis.runner import main


def import_command(process: Process, arguments: Sequence[str]) -> int:
    """Imports the one file named in `arguments`, in one transaction."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m catalogue import-items FILE (- for standard input)\n")
        return 2
    try:
        rows = read_items(Path(arguments[0]))
    except UnreadableFile as error:
        sys.stderr.write(f"{error}\n")
        return 2
    app = wiring.build(process)
    with app.work() as work:
        report = import_items(work, rows, district=app.district, now=app.now())
    sys.stdout.write(json.dumps(asdict(report), ensure_ascii=False) + "\n")
    return 1 if report.bad else 0


if __name__ == "__main__":
    sys.exit(main(CatalogueService, Settings, sys.argv[1:], {"import-items": import_command}))
