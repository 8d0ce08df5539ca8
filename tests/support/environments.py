"""A whole environment for tests of two districts: every process real, on addresses that `make up` does not use."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tongban_local.checkout import linked
from tongban_local.districts import DEFAULT
from tongban_local.environment import Environment
from tongban_local.guard import Guard
from tongban_local.programs import SERVICES


@contextmanager
def running_environment(
    codes: Sequence[str] = DEFAULT, *, services: Sequence[str] = SERVICES, samples: bool = True
) -> Iterator[Environment]:
    """`codes` up and ready; ended and forgotten with the test run, however that ends."""
    folder = linked("tests") / secrets.token_hex(4)
    environment = Environment(folder, offset=10 * random.randrange(1, 9), admin=True)
    with ExitStack() as stack:
        stack.callback(Guard(environment.folder).release)
        stack.callback(environment.down)
        environment.up(codes, services=services, samples=samples)
        yield environment
