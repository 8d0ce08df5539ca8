"""What a person does in a browser, in the words of the pages; each page that is looked at is held against axe-core too."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, CDPSession, Page, expect
from tongban_local.installation import Installation

#: CSS pixels: a phone, and a desk.
PHONE, DESK = {"width": 375, "height": 812}, {"width": 1280, "height": 900}
#: Octets over the wire of any page with what it needs, with nothing kept from before.
HEAVIEST = 100_000


class Weight:
    """What the page that is shown now took over the wire, as on a first visit: nothing is taken from the browser's cache."""

    def __init__(self, session: CDPSession) -> None:
        self._loader = ""
        self._requests: dict[str, str] = {}
        self._octets: Counter[str] = Counter()
        #: What was asked for since the page began: Document, Stylesheet, Image …
        self.kinds: set[str] = set()
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    @property
    def octets(self) -> int:
        return self._octets[self._loader]

    def _sent(self, event: dict[str, Any]) -> None:
        self._requests[event["requestId"]] = event["loaderId"]
        if event.get("type") == "Document":
            self._loader, self.kinds = event["loaderId"], set()
        self.kinds.add(event.get("type", ""))

    def _finished(self, event: dict[str, Any]) -> None:
        self._octets[self._requests.get(event["requestId"], "")] += round(event["encodedDataLength"])


@dataclass
class Person:
    """One person's browser: a window, its cookies, and what was seen."""

    context: BrowserContext
    pictures: Path
    page: Page = field(init=False)
    weight: Weight = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.weight = Weight(self.context.new_cdp_session(self.page))

    def sign_in(self, place: Installation, login: str, to: str = "/") -> None:
        """From the district's own pages, through its identity, and back."""
        self.page.goto(f"{place.portal}{to}")
        if self.page.url.startswith(place.portal):
            self.page.get_by_role("link", name="登录", exact=True).first.click()
        self.fill_password(place, login)
        expect(self.page).to_have_url(re.compile(re.escape(place.portal)))

    def fill_password(self, place: Installation, login: str) -> None:
        self.page.locator("#login").fill(login)
        self.page.locator("#password").fill(place.district.secrets.people[login])
        self.page.locator("form:has(#login) button[type=submit]").click()

    def apply(self, folder: Path) -> str:
        """From a list of items: applies for its first with a paper that is made in `folder`. The case's number."""
        self.page.locator(".tb-results a").first.click()
        self.page.get_by_role("button", name="在线申请").click()
        self.hand_in(folder)
        expect(self.page.get_by_text("申请已提交")).to_be_visible()
        return self.page.url.partition("/cases/")[2].partition("?")[0]

    def hand_in(self, folder: Path) -> None:
        """At the form: chooses the paper for each material, and sends."""
        paper = folder / "申请表.txt"
        paper.write_text("材料")
        for material in self.page.locator("input[type=file]").all():
            material.set_input_files(paper)
        self.page.get_by_role("button", name="提交申请").click()

    def await_text(self, url: str, text: str, seconds: float = 120) -> None:
        """Opens the page again and again, as somebody who waits does, until it says `text`."""
        until = time.monotonic() + seconds
        while True:
            self.page.goto(url)
            if self.page.get_by_text(text).count() or time.monotonic() > until:
                break
            self.page.wait_for_timeout(1000)
        expect(self.page.get_by_text(text).first).to_be_visible()

    def look(self, name: str) -> None:
        """Keeps a picture of the page at both widths, and demands that nobody is shut out: axe-core finds nothing, and it is light."""
        self.page.wait_for_load_state("networkidle")
        assert 0 < self.weight.octets <= HEAVIEST, f"{name} weighs {self.weight.octets} octets"
        for width, size in (("desk", DESK), ("phone", PHONE)):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.screenshot(path=self.pictures / f"{name}-{width}.png", full_page=True)
            assert barriers(self.page) == [], f"{name} at {width}"
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], f"{name} at {width} is {wide} wide: it scrolls sideways"
        self.page.set_viewport_size(DESK)  # type: ignore[arg-type]


def barriers(page: Page) -> list[str]:
    """What axe-core finds: rule, and the elements."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'])}" for one in found]
