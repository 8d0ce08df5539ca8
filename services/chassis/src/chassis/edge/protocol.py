"""What cannot be read as HTTP at all is told with a problem too: uvicorn answers it before there is a request."""

from __future__ import annotations

import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.edge.problems import PROBLEM
from chassis.errors import Fault, Kind

MALFORMED = Fault(
    "request.malformed",
    Kind.INVALID,
    "This is no HTTP request (RFC 9112). An address is written in ASCII; everything else in it is percent-encoded.",
)


class Protocol(HttpToolsProtocol):
    """One connection of a client."""

    def send_400_response(self, msg: str) -> None:
        """`msg` is uvicorn's own sentence, the same for everything that its parser refuses."""
        body = json.dumps(
            {
                "type": f"urn:tongban:problem:{MALFORMED.code}",
                "title": HTTPStatus.BAD_REQUEST.phrase,
                "status": int(HTTPStatus.BAD_REQUEST),
                "detail": MALFORMED.message,
                "code": MALFORMED.code,
                "trace_id": "",
                "details": {},
                "errors": [],
            }
        ).encode()
        head = (
            "HTTP/1.1 400 Bad Request",
            f"content-type: {PROBLEM}",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "connection: close",
        )
        self.transport.write("\r\n".join((*head, "", "")).encode("ascii") + body)
        self.transport.close()
