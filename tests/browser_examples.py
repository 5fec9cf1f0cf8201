"""Opening a page in an installed Chromium, with everything that it asked for and complained of.

Chromium is found on PATH (Debian: `apt-get install chromium`) or named in the environment variable
ANALYSIS_CHROMIUM. Without one the tests are skipped; where CI is set a missing one is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

FLAG_NAMES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
PHONE, LAPTOP, PAPER = (390, 844), (1280, 800), (680, 1000)  # A4 without its margins
WAYS = [
    pytest.param(PHONE, "light", "screen", id="phone"),
    pytest.param(PHONE, "dark", "screen", id="phone-dark"),
    pytest.param(LAPTOP, "light", "screen", id="laptop"),
    pytest.param(LAPTOP, "dark", "screen", id="laptop-dark"),
    pytest.param(PAPER, "light", "print", id="paper"),
]
# The rules that a checker can test, of WCAG 2.2 AA and below, and its advice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SILENT = "svg:not([role=img][aria-label]):not([aria-hidden=true]), img:not([alt])"


@contextmanager
def opened_browser() -> Iterator:
    """Give a browser; skip, or fail in CI, where there is none."""
    sync_api = needed(lambda: __import__("playwright.sync_api").sync_api, "playwright")
    path = needed(chromium, "Chromium")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=FLAG_NAMES.split())
        yield opened
        opened.close()


def needed(find, what):
    try:
        return find()
    except (ImportError, FileNotFoundError) as error:
        reason = f"{what} is not installed: {error}"
        return pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def chromium() -> str:
    names = (os.environ.get("ANALYSIS_CHROMIUM", ""), "chromium", "chromium-browser")
    for name in (*names, "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    raise FileNotFoundError("no chromium on PATH; set ANALYSIS_CHROMIUM")


class Visit:
    """A page opened in a browser, with everything that it asked for and complained about."""

    def __init__(self, browser, path, size=LAPTOP, scheme="light", media="screen"):
        self.requests: list[str] = []
        self.answers: list[str] = []
        self.complaints: list[str] = []
        width, height = size
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.page = self._context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfinished", lambda request: self.answers.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.emulate_media(media=media, color_scheme=scheme)
        self.address = path.as_uri()
        self.page.goto(self.address)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._context.close()

    def settle(self):
        """Wait for the table of an explore page; other pages are ready at once."""
        if self.page.locator("#customers").count():
            self.page.wait_for_selector("#customers[data-rows]")
        return self

    def be(self, size, scheme, media):
        """Look at the open page in another way."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(media=media, color_scheme=scheme)

    def violations(self):
        """Return what axe finds, with the places."""
        axe = needed(lambda: __import__("axe_playwright_python.sync_playwright"), "axe")
        checker = axe.sync_playwright.Axe()
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        found = checker.run(
            self.page, options={"runOnly": {"type": "tag", "values": RULES}}
        ).response["violations"]
        return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found]
