"""`python -m identity load-samples --passwords-file F`: the accounts of samples.yaml, marked as samples.

F maps each login to its password, as JSON or YAML. Loading again changes nothing; a new password replaces the old one.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from chassis.clock import Clock, SystemClock, new_id

from identity.adapters.credit_codes import is_credit_code
from identity.adapters.id_numbers import is_id_number
from identity.adapters.passwords import hash_password, matches
from identity.domain.errors import InvalidSample
from identity.domain.model import Account, AccountKind, Assurance, Person, Role
from identity.loading import Settings, ended, storage
from identity.usecases.load_sample import Passwords, load_sample
from identity.usecases.load_sample_firm import SampleFirm, load_sample_firm

_FIELDS = {"login", "kind", "roles", "acr", "name", "id_number", "email", "phone", "language"}


def main(argv: Sequence[str]) -> int:
    """0 when all are loaded; 2 with a sentence on standard error where settings, file or a sample are wrong."""
    parser = argparse.ArgumentParser(prog="python -m identity load-samples")
    parser.add_argument("--passwords-file", type=Path, required=True, help="login → password, as JSON or YAML")
    chosen = parser.parse_args(argv)

    def act(settings: Settings) -> str:
        given = read_passwords(chosen.passwords_file)
        counts, firms = load_all(settings, list(read_samples()), list(read_sample_firms()), given, SystemClock())
        told = ", ".join(f"{counts[state]} {state}" for state in ("new", "changed", "unchanged"))
        return f"{counts.total()} sample accounts: {told}; sample firms: {firms}"

    return ended(act)


def load(settings: Settings, samples: Sequence[Account], given: Mapping[str, str]) -> Counter[str]:
    """Loads all of them in one transaction, or none. Raises InvalidSample."""
    return load_all(settings, samples, (), given, SystemClock())[0]


def load_all(
    settings: Settings,
    samples: Sequence[Account],
    firms: Sequence[SampleFirm],
    given: Mapping[str, str],
    clock: Clock,
) -> tuple[Counter[str], int]:
    """Accounts, and firms with who acts for them: all in one transaction, or none. Raises InvalidSample."""
    passwords = Passwords(hash_password, matches)
    with storage(settings) as work:
        counts = Counter(load_sample(work, s, given.get(s.login, ""), passwords, is_id_number) for s in samples)
        for firm in firms:
            load_sample_firm(work, firm, is_credit_code, new_id=lambda: str(new_id()), now=clock.now())
    return counts, len(firms)


def read_passwords(path: Path) -> dict[str, str]:
    """Raises InvalidSample where the file is no map of texts."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidSample(path.name, f"the passwords cannot be read ({type(error).__name__})") from None
    if not isinstance(found, dict) or not all(isinstance(v, str) for pair in found.items() for v in pair):
        raise InvalidSample(path.name, "the passwords must be a map from login to password")
    return found


def read_samples() -> Iterator[Account]:
    """The accounts of samples.yaml, each with a fresh subject. Raises InvalidSample."""
    yield from (_account(row) for row in _rows() if row.get("kind") != "firm")


def read_sample_firms() -> Iterator[SampleFirm]:
    """Its firms. Raises InvalidSample."""
    yield from (_firm(row) for row in _rows() if row.get("kind") == "firm")


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(
        (resources.files("identity") / "samples.yaml").read_text(encoding="utf-8")
    )
    return rows


def _firm(row: Mapping[str, Any]) -> SampleFirm:
    name = str(row.get("name", ""))
    if set(row) != {"kind", "name", "credit_code", "representative", "handlers"}:
        raise InvalidSample(name, "a firm has a name, credit_code, representative and handlers")
    return SampleFirm(name, str(row["credit_code"]), row["representative"], tuple(row["handlers"]))


def _account(row: Mapping[str, Any]) -> Account:
    login = str(row.get("login", ""))
    if unknown := sorted(row.keys() - _FIELDS):
        raise InvalidSample(login, f"does not know {', '.join(unknown)}")
    try:
        person = Person(
            name=row["name"],
            id_number=row.get("id_number", ""),
            email=row.get("email", ""),
            phone=row.get("phone", ""),
            language=row.get("language", "zh-Hans"),
        )
        return Account(
            subject=str(new_id()),
            login=row["login"],
            kind=AccountKind(row["kind"]),
            roles=frozenset(map(Role, row["roles"])),
            acr=Assurance(row["acr"]),
            person=person,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidSample(login, f"is not complete or not right ({error})") from None
