"""infra/districts/GUIDE.md, block by block as it stands there: from a first district to the suspension of a second.

The blocks are run by `hands.Hands` on a test's node; between them the tests look whether what the guide says is so. They stand
in the guide's order; the last one asks whether nothing was left out.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tongban_local.checkout import ROOT, linked
from tongban_local.keys import PEOPLE, password

from tests.deploy import case_crosses
from tests.deploy.charts import CHART, GUSU
from tests.deploy.hands import Hands
from tests.deploy.node import Node, missing

pytestmark = [
    pytest.mark.engines,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(missing()), reason=missing() or "it can"),
]

TIANNING = "320402"
_GUIDE = ROOT / "infra" / "districts" / "GUIDE.md"
#: The node has no ports of Services: people reach a pod at its own.
_PUBLIC = """
public:
  issuer: https://d{code}-identity-http:8443
  gateway: https://d{code}-gateway:8443
"""


def sections() -> dict[str, list[str]]:
    """Heading → its blocks, in order; "" for what stands above the first."""
    found: dict[str, list[str]] = {"": []}
    for part in re.split(r"^## ", _GUIDE.read_text(), flags=re.MULTILINE):
        name = part.split("\n", 1)[0] if found[""] or len(found) > 1 else ""
        found[name] = re.findall(r"^```sh\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL)
    return found


GUIDE = sections()


@dataclass
class Engineer:
    """Runs the guide's blocks one after the other, in a checkout of their own."""

    hands: Hands
    checkout: Path
    people: dict[str, str]
    told: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def follow(self, section: str, number: int) -> str:
        """One block; what it says."""
        self.done.add(GUIDE[section][number])
        return self.run(GUIDE[section][number])

    def run(self, block: str) -> str:
        (preparation,) = GUIDE[""]
        self.done.add(preparation)
        return self.hands.run(f"{preparation}\n{block}", self.checkout, **self.told)

    def fingerprint(self, said: str) -> str:
        return re.findall(r"sha256:\S+", said)[-1]

    def public(self, code: str) -> None:
        """What the guide says to look through: how people reach it."""
        values = self.checkout / "infra" / "districts" / code / "values.yaml"
        values.write_text(values.read_text() + _PUBLIC.format(code=code))
        self.run(f"tongban district new {code}")

    def sql(self, code: str, database: str, query: str) -> str:
        ask = f"PGPASSWORD=$(cat /run/tongban/superuser/postgres) psql -h 127.0.0.1 -U postgres {database} -Atc"
        return self.hands.node.exec(f"d{code}-database", "sh", "-c", f'{ask} "$0"', query).strip()

    def metrics(self, code: str) -> str:
        ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8081/metrics').read().decode())"
        return self.hands.node.exec(f"d{code}-courier", "python", "-c", ask)

    def case(self, here: str, there: str, *steps: str) -> dict[str, Any]:
        """case_crosses.py in the gateway's pod of `here`."""
        sides = {"here": here, "there": there}
        told = {
            side: {
                "code": code,
                "gateway": f"https://d{code}-gateway:8443",
                "issuer": f"https://d{code}-identity-http:8443",
                "people": self.people,
            }
            for side, code in sides.items()
        }
        person = (CHART / "files" / "test" / "check_gateway.py").read_text().partition("\ndef main")[0]
        body = Path(case_crosses.__file__).read_text().replace("from __future__ import annotations\n", "")
        authorities = "".join(
            (self.checkout / "keep" / code / "tls" / "authority.pem").read_text() for code in sides.values()
        )
        arguments = json.dumps({**told, "authority": "/tmp/both.crt", "steps": list(steps)})
        gateway = f"d{here}-gateway"
        self.hands.node.exec(gateway, "sh", "-c", "cat >/tmp/both.crt", stdin=authorities.encode())
        try:
            said = self.hands.node.exec(gateway, "python", "-", arguments, stdin=f"{person}\n{body}".encode())
        except AssertionError as error:
            logs = [self.hands.node.running[f"d{code}-courier"].log for code in sides.values()]
            told_last = "\n".join(f"{log}:\n{log.read_text()[-2000:]}" for log in logs)
            raise AssertionError(f"{error}\n{told_last}") from None
        return dict(json.loads(said))


def eventually(look: Callable[[], Any], what: str, timeout_s: float = 120) -> Any:
    until = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < until, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def engineer() -> Iterator[Engineer]:
    folder = linked("tests") / f"guide-{secrets.token_hex(4)}"
    checkout = folder / "checkout"
    (checkout / "infra" / "districts").mkdir(parents=True)
    shutil.copytree(ROOT / "infra" / "districts" / "items", checkout / "infra" / "districts" / "items")
    (checkout / "charts").symlink_to(ROOT / "charts")
    people = {person: password() for person in PEOPLE}
    (checkout / "people.json").write_text(json.dumps(people))
    for argv in (["init", "-q"], ["config", "user.email", "a@b.example"], ["config", "user.name", "A"]):
        subprocess.run(["git", *argv], cwd=checkout, check=True)
    node = Node(folder / "pods", {})
    hands = Hands(node, folder / "hands")
    hands.cwd = checkout
    engineer = Engineer(hands, checkout, people, {"TONGBAN_KEEP": str(checkout / "keep")})
    try:
        yield engineer
    finally:
        hands.close()
        node.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def first(engineer: Engineer) -> Engineer:
    said = engineer.follow("Install a first district", 0)
    engineer.public(GUSU)
    engineer.told["GUSU_SAYS"] = engineer.fingerprint(said)
    engineer.told["CHECKED"] = engineer.follow("Install a first district", 1)
    engineer.follow("Install a first district", 2)
    return engineer


@pytest.fixture(scope="module")
def second(first: Engineer) -> Engineer:
    said = first.follow("A second district", 0)
    first.public(TIANNING)
    first.told["TIANNING_SAYS"] = first.fingerprint(said)
    first.follow("A second district", 1)
    return first


@pytest.fixture(scope="module")
def joined(second: Engineer) -> Engineer:
    commit = "git add infra && git commit -qm before"
    second.run(commit)
    second.told["DIFF"] = second.follow("Join them", 0)
    second.follow("Join them", 1)
    second.told["CHECKED"] = second.follow("Join them", 2)
    samples = GUIDE["Install a first district"][2].replace(GUSU, TIANNING)
    second.run(samples)
    return second


def test_a_first_district_answers_and_lacks_nothing(first: Engineer) -> None:
    assert "signed in" not in first.told["CHECKED"]  # no test account: it calls as a stranger
    assert f"{GUSU}: nothing is missing" in first.told["CHECKED"]


def test_to_take_a_district_in_is_one_line_and_a_bundle_to_review(joined: Engineer) -> None:
    changed = [line.split("|")[0].strip() for line in joined.told["DIFF"].splitlines() if "|" in line]
    assert changed == [
        f"infra/districts/{GUSU}/values.yaml",
        f"infra/districts/trust/join-{TIANNING}.json",
    ]
    assert f"{GUSU}: nothing is missing" in joined.told["CHECKED"]
    assert f"{TIANNING}: nothing is missing" in joined.told["CHECKED"]


def test_a_case_crosses_between_them(joined: Engineer) -> None:
    assert joined.case(TIANNING, GUSU)["decided_by"] == GUSU


@pytest.fixture(scope="module")
def upgraded(joined: Engineer) -> Engineer:
    joined.told["OPEN"] = joined.case(TIANNING, GUSU, "apply")["number"]
    joined.follow("Upgrade", 0)
    return joined


def test_what_was_open_before_an_upgrade_is_decided_after_it(upgraded: Engineer) -> None:
    assert upgraded.case(TIANNING, GUSU, "decide", upgraded.told["OPEN"])["granted"] is True


@pytest.fixture(scope="module")
def restored(upgraded: Engineer) -> Engineer:
    engineer = upgraded
    engineer.told["BEFORE"] = engineer.case(TIANNING, GUSU)["number"]
    engineer.follow("Back up and restore", 0)
    engineer.told["LOST"] = engineer.case(TIANNING, GUSU, "apply")["number"]
    engineer.follow("Back up and restore", 1)
    return engineer


def test_a_restored_district_begins_a_new_epoch_by_itself(restored: Engineer) -> None:
    assert "tongban_courier_epochs_total{" in restored.metrics(GUSU)
    eventually(
        lambda: re.search(r"tongban_courier_epochs_total\{[^}]*\} 1\.0", restored.metrics(GUSU)), "the new epoch"
    )
    assert restored.sql(GUSU, "courier", "SELECT timeline_id FROM pg_control_checkpoint()") == "2"


def test_what_a_peer_had_sent_since_the_backup_comes_again_and_is_decided(restored: Engineer) -> None:
    assert restored.case(TIANNING, GUSU, "decide", restored.told["LOST"])["granted"] is True


def test_after_a_restore_new_cases_cross(restored: Engineer) -> None:
    assert restored.case(TIANNING, GUSU)["decided_by"] == GUSU


def test_keys_change_while_cases_cross(joined: Engineer) -> None:
    engineer, section = joined, "Change keys and certificates"
    before = shown_keys(engineer)
    open_before = engineer.case(TIANNING, GUSU, "apply")["number"]
    said = engineer.follow(section, 0)
    engineer.told["GUSU_SAYS_NOW"] = engineer.fingerprint(said)
    assert engineer.case(TIANNING, GUSU)["granted"] is True
    engineer.follow(section, 1)
    assert engineer.case(TIANNING, GUSU)["granted"] is True
    engineer.follow(section, 2)
    engineer.follow(section, 3)
    assert engineer.case(TIANNING, GUSU)["granted"] is True
    engineer.told["EARLY"] = "--early"
    engineer.follow(section, 4)
    assert not before & shown_keys(engineer)
    assert engineer.case(TIANNING, GUSU, "decide", open_before)["granted"] is True
    assert engineer.case(TIANNING, GUSU)["granted"] is True


def test_the_keys_of_data_at_rest_change_while_cases_cross_and_nobody_gets_another_name(joined: Engineer) -> None:
    engineer, section = joined, "Change the keys of data at rest"
    open_before = engineer.case(TIANNING, GUSU, "apply")["number"]
    own_before = engineer.case(GUSU, TIANNING, "apply")["number"]
    under = "SELECT DISTINCT encode(substring(name_sealed, 1, 1), 'hex') FROM accounts"
    names = f"SELECT DISTINCT applicant_subject FROM cases WHERE intake = '{GUSU}'"
    known_as = eventually(lambda: engineer.sql(TIANNING, "case_routing", names), "the case to cross")
    assert (engineer.sql(GUSU, "identity", under), len(known_as.split())) == ("01", 1)
    engineer.follow(section, 0)
    assert engineer.case(TIANNING, GUSU)["granted"] is True
    engineer.follow(section, 1)
    assert engineer.case(TIANNING, GUSU)["granted"] is True
    assert engineer.sql(GUSU, "identity", under) == "01", "nothing but what is written is under the new key"
    said = engineer.follow(section, 2)
    assert len(re.findall(r", 0 left$", said, flags=re.MULTILINE)) == 4, said
    assert engineer.sql(GUSU, "identity", under) == "02"
    engineer.told["EARLY"] = "--early"
    engineer.follow(section, 3)
    assert engineer.case(TIANNING, GUSU, "decide", open_before)["granted"] is True
    assert engineer.case(GUSU, TIANNING, "decide", own_before)["granted"] is True
    assert engineer.case(GUSU, TIANNING)["granted"] is True
    assert engineer.sql(TIANNING, "case_routing", names) == known_as
    assert engineer.sql(GUSU, "identity", "SELECT DISTINCT kind FROM field_keys ORDER BY kind").split() == [
        "named",
        "pairwise",
    ]


def shown_keys(engineer: Engineer) -> set[str]:
    """Ids of Gusu's keys that the newest registry shows as valid."""
    said = engineer.run("tongban registry show $TRUST/registry.json --json")
    (member,) = (one for one in json.loads(said)["members"] if one["code"] == GUSU)
    return {key["kid"] for key in member["keys"] if not key.get("until")}


def test_a_suspended_member_is_refused_within_a_minute_of_the_version(joined: Engineer) -> None:
    engineer = joined
    refused = "SELECT count(*) FROM received WHERE code = 'courier.member_suspended'"
    assert engineer.sql(GUSU, "courier", refused) == "0"
    said = engineer.follow("Suspend a member", 0)
    assert json.loads(said.splitlines()[-1])["installed"] is True
    begun = time.monotonic()
    lit = re.compile(r'tongban_courier_light\{[^}]*light="suspended"[^}]*\} 1\.0')
    eventually(
        lambda: lit.search(engineer.metrics(GUSU)), "the light, so that the running courier goes by that version", 60
    )
    held = engineer.sql(GUSU, "case_routing", "SELECT count(*) FROM cases")
    engineer.case(TIANNING, GUSU, "apply")
    eventually(lambda: int(engineer.sql(GUSU, "courier", refused)) > 0, "the refusal", 60)
    assert time.monotonic() - begun < 60
    assert engineer.sql(GUSU, "case_routing", "SELECT count(*) FROM cases") == held


def test_every_block_of_the_guide_was_run(restored: Engineer) -> None:
    blocks = {block for found in GUIDE.values() for block in found}
    assert blocks - restored.done == set()
