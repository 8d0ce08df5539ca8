"""Field keys while they are changed: which rows are under which key, sealing them anew, and no start without a key they need.

    SEALED = SealedTables((SealedTable(accounts, {"name_sealed": "accounts/name/{subject}"}),))   # in a service's adapters
    KeyGuard(database, keys, SEALED).wait()       # before a process does anything: raises FieldKeyMissing
    main("identity", SEALED, argv)                # `python -m identity reseal`

A value names its key (chassis.sealed), so what is left under another key is counted, never remembered: the command may be
killed anywhere and begun again, and several may run. The table `field_keys` says under which keys values may stand, so that
a start costs one question, and a look through the rows only where a key was taken away (infra/adr/0029).
"""

from chassis.resealing.commands import main
from chassis.resealing.guard import FieldKeyMissing, FixedKeyChanged, KeyGuard
from chassis.resealing.tables import SealedTable, SealedTables, create_field_keys, field_keys_table
from chassis.resealing.work import Progress, reseal, rows_left

__all__ = [
    "FieldKeyMissing",
    "FixedKeyChanged",
    "KeyGuard",
    "Progress",
    "SealedTable",
    "SealedTables",
    "create_field_keys",
    "field_keys_table",
    "main",
    "reseal",
    "rows_left",
]
