"""Run inside a gateway's pod, on its standard library alone: a citizen applies in one district for what another decides.

`python case_crosses.py` reads from its standard input, as JSON, the two districts' gateways and issuers and the sample
passwords, and writes what became of the case. `check_gateway.Person` of the chart stands above this text.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from check_gateway import Person

WAIT_S = 120.0


class Account:
    """Somebody who is signed in at one district."""

    def __init__(self, district: dict[str, Any], login: str, authority: str) -> None:
        self.person, self.gateway = Person(authority), district["gateway"]
        issuer = district["issuer"]
        self.person.ask(f"{issuer}/sign-in", {"login": login, "password": district["people"][login]})
        self.token = self.person.ask(f"{issuer}/token", {"grant_type": "urn:tongban:session"})[1]["access_token"]

    def get(self, path: str) -> Any:
        return self.person.ask(self.gateway + path, token=self.token)[1]

    def post(self, path: str, body: Any | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid.uuid4())}
        data = None if body is None else json.dumps(body).encode()
        headers |= {} if data is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(self.gateway + path, data or b"", headers, method="POST")
        with self.person._opener.open(request, timeout=20) as answer:
            return json.loads(answer.read())


def eventually(look: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + WAIT_S
    while not (found := look()):
        if time.monotonic() > until:
            raise SystemExit(f"waited {WAIT_S:g} s for {what}")
        time.sleep(0.5)
    return found


def apply(citizen: Account, code: str) -> str:
    """The number of a case that `code` is to decide."""
    (item,) = eventually(
        lambda: citizen.get(f"/v1/items?size=1&handling_district={code}").get("items"), "an item of the other district"
    )
    paper = base64.b64encode(b"sample").decode()
    materials = [
        {"key": wanted["key"], "name": "a.txt", "media_type": "text/plain", "content": paper}
        for wanted in item["materials"]
        if wanted["required"]
    ]
    return str(citizen.post("/v1/cases", {"item_code": item["code"], "materials": materials})["number"])


def decide(citizen: Account, clerk: Account, code: str, number: str) -> dict[str, Any]:
    """Once the case has crossed: granted there, and closed here."""

    def held_there() -> bool:
        try:
            case = clerk.get(f"/v1/cases/{number}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return bool(case.get("responsibility", {}).get("holder") == code)

    eventually(held_there, "the case to cross")
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": "ok"})

    def closed() -> Any:
        case = citizen.get(f"/v1/cases/{number}")
        return case if case["state"] == "closed" else None

    case = eventually(closed, "the case to come back")
    return {"number": number, "decided_by": case["decision"]["district"], "granted": case["decision"]["granted"]}


def main(told: dict[str, Any]) -> dict[str, Any]:
    """`steps`: none for the whole way, `apply` for its beginning, `decide` and a number for its end."""
    here, there, steps = told["here"], told["there"], told.get("steps") or ["apply", "decide"]
    citizen = Account(here, "citizen", told["authority"])
    number = apply(citizen, there["code"]) if steps[0] == "apply" else steps[1]
    if "decide" not in steps:
        return {"number": number}
    return decide(citizen, Account(there, "clerk", told["authority"]), there["code"], number)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
