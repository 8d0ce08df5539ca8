"""Files that people handed in, on their way out: what a stranger uploaded must not act in anybody's browser.

It goes out as an attachment, under the media type that its sender said only where that type can do nothing, with `nosniff` (from
the envelope) and a policy of its own that would put even a page into a sandbox without scripts (CSP level 3, section 6.3.2).
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from fastapi import Response

from gateway.messages import case_routing
from gateway.openapi import header

OCTETS = "application/octet-stream"
#: Types that show and do nothing else. An SVG or an HTML page can run scripts, so it is octets.
HARMLESS = ("application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain")
_POLICY = "default-src 'none'; sandbox"

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
    kind = material.media_type.lower()
    return Response(
        material.content,
        media_type=kind if kind in HARMLESS else OCTETS,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(material.name, safe='')}",
            "Content-Security-Policy": _POLICY,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(material.sha256)).decode()}:",
        },
    )
