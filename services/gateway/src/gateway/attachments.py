"""Files that people handed in, as the API gives them out: always as an attachment (chassis.edge.uploads)."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from chassis.edge import HARMLESS, OCTETS, SANDBOX, sent_as
from fastapi import Response

from gateway.messages import case_routing
from gateway.openapi import header

#: The answer in the OpenAPI document.
ATTACHED: dict[str, Any] = {
    "description": "The content, octet for octet.",
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (OCTETS, *HARMLESS)},
    "headers": {
        "Content-Disposition": header("`attachment`, with the name that the file was handed in under (RFC 6266)."),
        "Repr-Digest": header("SHA-256 of the content (RFC 9530), as the case lists it."),
    },
}


def attached(material: case_routing.Material) -> Response:
    """The material as an answer."""
    return Response(
        material.content,
        media_type=sent_as(material.media_type),
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(material.name, safe='')}",
            "Content-Security-Policy": SANDBOX,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(material.sha256)).decode()}:",
        },
    )
