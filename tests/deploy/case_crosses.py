"""Run inside a gateway's pod, on its standard library alone: a citizen applies in one district for what another decides.

`python case_crosses.py` reads from its standard input, as JSON, the two districts' gateways and issuers and the sample
passwords, and writes what became of the case. `check_gateway.Person` of the chart stands above this text.
"""

from __future__ import annotations

import base64
import json
import sys
import time
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


def main(told: dict[str, Any]) -> dict[str, Any]:
    here, there = told["here"], told["there"]
    citizen, clerk = (Account(*who, told["authority"]) for who in ((here, "citizen"), (there, "clerk")))
    find = f"/v1/items?size=1&handling_district={there['code']}"
    (item,) = eventually(lambda: citizen.get(find).get("items"), "an item of the other district")
    paper = base64.b64encode(b"sample").decode()
    materials = [
        {"key": wanted["key"], "name": "a.txt", "media_type": "text/plain", "content": paper}
        for wanted in item["materials"]
        if wanted["required"]
    ]
    number = citizen.post("/v1/cases", {"item_code": item["code"], "materials": materials})["number"]

    def held_there() -> bool:
        return bool(clerk.get(f"/v1/cases/{number}").get("responsibility", {}).get("holder") == there["code"])

    eventually(held_there, "the case to cross")
    clerk.post(f"/v1/cases/{number}/accept")
    clerk.post(f"/v1/cases/{number}/grant", {"reasons": "ok"})

    def closed() -> Any:
        case = citizen.get(f"/v1/cases/{number}")
        return case if case["state"] == "closed" else None

    case = eventually(closed, "the case to come back")
    return {"number": number, "decided_by": case["decision"]["district"], "granted": case["decision"]["granted"]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
