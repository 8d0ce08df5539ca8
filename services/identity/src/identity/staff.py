"""`python -m identity add-staff --login L --name N --role R …`: an account for somebody who works in this district.

The password is the first line of standard input, so that it stands in no list of processes and no shell history. This is how
a new district gets its first operator.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
from collections.abc import Sequence

from chassis.clock import new_id
from chassis.database import Database
from chassis.errors import fault_of
from chassis.settings import SettingsError, read_settings

from identity.adapters.passwords import hash_password
from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from identity.domain.errors import IdentityError
from identity.domain.passwords import check_password
from identity.domain.policies import STAFF_ROLES
from identity.samples import Settings
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
    try:
        settings = read_settings(Settings, os.environ)
        account = new_staff(str(new_id()), chosen.login, chosen.name, chosen.email, chosen.roles)
        check_password(password, (account.login, account.person.email.partition("@")[0]))
        hashed = hash_password(password)
        with Database(settings.database_url, pool_size=1).transaction() as connection:
            add_staff(Storage(connection, Sealing(base64.b64decode(settings.field_key))), account, hashed)
    except (SettingsError, IdentityError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Exception as error:
        if (fault := fault_of(error)) is None:
            raise
        sys.stderr.write(f"{fault.message}\n")
        return 1
    sys.stdout.write(f"{account.subject}\n")
    return 0
