"""`python -m identity add-staff --login L --name N --role R …`: an account for somebody who works in this district.

The password is the first line of standard input, so that it stands in no list of processes and no shell history. This is how
a new district gets its first operator.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from chassis.clock import new_id

from identity.adapters.passwords import hash_password
from identity.domain.passwords import check_password
from identity.domain.policies import STAFF_ROLES
from identity.loading import Settings, ended, storage
from identity.usecases.add_staff import add_staff, new_staff


def main(argv: Sequence[str]) -> int:
    """0 with the subject on standard output; 2 where settings or a field are wrong, 1 where the database is away."""
    parser = argparse.ArgumentParser(prog="python -m identity add-staff", description=__doc__)
    parser.add_argument("--login", required=True, help="user name")
    parser.add_argument("--name", required=True, help="their name")
    parser.add_argument("--email", default="", help="where notices go")
    known = sorted(role.value for role in STAFF_ROLES)
    parser.add_argument(
        "--role", action="append", required=True, dest="roles", choices=known, help="once for each role"
    )
    chosen = parser.parse_args(argv)
    if sys.stdin.isatty():
        sys.stderr.write("Password (one line, not hidden): ")
    password = sys.stdin.readline().rstrip("\r\n")

    def act(settings: Settings) -> str:
        account = new_staff(str(new_id()), chosen.login, chosen.name, chosen.email, chosen.roles)
        check_password(password, (account.login, account.person.email.partition("@")[0]))
        hashed = hash_password(password)
        with storage(settings) as work:
            add_staff(work, account, hashed)
        return account.subject

    return ended(act)
