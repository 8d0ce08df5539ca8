"""`python -m <service> reseal`: what is under a former field key is sealed under the first one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chassis.database import Database
from chassis.errors import Fault
from chassis.resealing.tables import SealedTables
from chassis.resealing.work import Progress, reseal, rows_left
from chassis.sealed import FieldCipher, FieldKeys
from chassis.settings import SettingsError, read_settings, secret

#: To count every row of a large table takes its time.
STATEMENT_LIMIT_MS = 1_800_000


@dataclass(frozen=True, kw_only=True)
class _Settings:
    database_url: str = secret()
    field_key: FieldKeys = secret()


def main(package: str, sealed: SealedTables, argv: Sequence[str]) -> int:
    """0 once every row is under the first key, 1 where some are left or the database is away, 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog=f"python -m {package} reseal", description=__doc__)
    parser.add_argument("--json", action="store_true", help="a line of JSON after every batch, and a last one")
    parser.add_argument("--count", action="store_true", help="changes nothing, says how many rows are left")
    chosen = parser.parse_args(argv)
    try:
        settings = read_settings(_Settings, os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- a command's output
        return 2
    database = Database(
        settings.database_url,
        pool_size=1,
        statement_timeout_ms=STATEMENT_LIMIT_MS,
        application_name=f"{package} reseal",
    )
    say = _in_json if chosen.json else _in_words
    try:
        return _run(database, FieldCipher(settings.field_key), sealed, say, count=chosen.count)
    except Fault as fault:
        print(f"{fault.message} [{fault.code}]", file=sys.stderr)  # noqa: T201 -- a command's output
        return 1
    finally:
        database.close()


Say = Callable[[Mapping[str, object]], None]


def _run(database: Database, cipher: FieldCipher, sealed: SealedTables, say: Say, *, count: bool) -> int:
    done: dict[str, Progress] = {}

    def told(progress: Progress) -> None:
        done[progress.table] = progress
        say(vars(progress))

    left = rows_left(database, cipher, sealed) if count else reseal(database, cipher, sealed, told)
    unreadable = sum(each.unreadable for each in done.values())
    resealed = sum(each.resealed for each in done.values())
    say({"key": cipher.keys.first.id, "resealed": resealed, "left": sum(left.values()), "left_by_table": left})
    if unreadable:
        print(  # noqa: T201 -- a command's output
            f"{unreadable} rows open under none of the keys in TONGBAN_FIELD_KEY: give the missing one back [field_key.missing]",
            file=sys.stderr,
        )
    return 1 if left else 0


def _in_json(told: Mapping[str, object]) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201 -- a command's output


def _in_words(told: Mapping[str, object]) -> None:
    if "table" in told:
        text = f"{told['table']}: {told['resealed']} rows sealed anew"
    else:
        text = f"key {told['key']}: {told['resealed']} rows sealed anew, {told['left']} left"
    print(text, flush=True)  # noqa: T201 -- a command's output
