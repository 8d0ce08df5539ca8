"""What is counted of the federation: how sign-ins at other districts end, and what homes say when they are asked. Nobody is named.

The label `home` is a division code of the registry, never what a stranger wrote into an address.
"""

from __future__ import annotations

from chassis.telemetry import counter

SWITCHES = counter(
    "tongban_switches_total",
    "Sign-ins at a person's home that ended, by outcome: signed_in, nobody, refused or away.",
    "home",
    "outcome",
)
CONFIRMATIONS = counter(
    "tongban_home_confirmations_total",
    "Questions to a home whether a session stands, by outcome: confirmed, ended, refused or away.",
    "home",
    "outcome",
)
