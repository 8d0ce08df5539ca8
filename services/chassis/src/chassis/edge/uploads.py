"""Files that people handed in, on their way out: what a stranger uploaded must not act in anybody's browser.

A file goes out under the media type that its sender said only where that type can do nothing, with `nosniff` (from the envelope)
and a policy of its own that would put even a page into a sandbox without scripts (CSP level 3, section 6.3.2).
"""

from __future__ import annotations

OCTETS = "application/octet-stream"
#: Types that show and do nothing else. An SVG or an HTML page can run scripts, so it is octets.
HARMLESS = ("application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain")
SANDBOX = "default-src 'none'; sandbox"


def sent_as(media_type: str) -> str:
    """The media type under which such a file goes out."""
    kind = media_type.lower()
    return kind if kind in HARMLESS else OCTETS
