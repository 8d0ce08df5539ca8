"""What `load-samples` and `add-staff` have in common: the two settings, one transaction, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chassis.database import Database
from chassis.errors import fault_of
from chassis.sealed import FieldKeys
from chassis.settings import SettingsError, read_settings, secret

from identity.adapters.sealing import Sealing
from identity.adapters.storage import Storage
from identity.domain.errors import IdentityError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a command that writes accounts needs."""

    database_url: str = secret()
    field_key: FieldKeys = secret()


@contextmanager
def storage(settings: Settings) -> Iterator[Storage]:
    """One transaction; without an outbox, since nothing that such a command does is an event."""
    with Database(settings.database_url, pool_size=1).transaction() as connection:
        yield Storage(connection, Sealing(settings.field_key))


def ended(act: Callable[[Settings], str]) -> int:
    """The exit code, and on standard output what `act` says.

    2 with a sentence on standard error where settings or what was given are wrong, 1 where the database is away.
    """
    try:
        said = act(read_settings(Settings, os.environ))
    except (SettingsError, IdentityError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Exception as error:
        if (fault := fault_of(error)) is None:
            raise
        sys.stderr.write(f"{fault.message}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0
