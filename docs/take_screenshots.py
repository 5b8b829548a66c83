"""Take the screenshots of the pages again: `python docs/take_screenshots.py`.

Needs the group dev, the extra server and chromium.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright

import certainty

DOCS = Path(__file__).parent
FOLDER = DOCS / "pages" / "screenshots"
EXAMPLES = DOCS / "examples"
FIRST, SECOND = ((EXAMPLES / name).read_text(encoding="utf-8") for name in ("article.txt", "article-2.txt"))
TITLE = "Le barrage de Vernaison divise la vallée de l’Orvanne"
WIDE, PHONE = (1100, 760), (390, 844)


def save(png: bytes, name: str) -> None:
    """Keep an image of 256 colours: a page needs no more, and a repository is not for large files."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(FOLDER / f"{name}.png", optimize=True)


def opened(browser: Browser, size: tuple[int, int], locale: str = "en-GB", dark: bool = False) -> Page:
    """Return a window of a reader of that language."""
    viewport = {"width": size[0], "height": size[1]}
    return browser.new_page(viewport=viewport, color_scheme="dark" if dark else "light", locale=locale)


def take_articles(browser: Browser) -> None:
    """Show an article with a sentence explained, in light, dark and narrow windows, filtered, and in French."""
    html = certainty.score(FIRST).to_html(title=TITLE)
    for name, size, sentence, locale in (
        ("light", WIDE, 12, "en-GB"),
        ("light-fr", WIDE, 12, "fr-FR"),
        ("dark", WIDE, 10, "en-GB"),
        ("narrow", PHONE, 2, "en-GB"),
        ("filtered", WIDE, 11, "en-GB"),
    ):
        page = opened(browser, size, locale, dark=name == "dark")
        page.set_content(html)
        if name == "filtered":
            for label in ("asserted", "no claim"):
                page.get_by_role("checkbox", name=label).uncheck()
            page.get_by_role("slider").fill("60")
        page.locator(".certainty-sentence").nth(sentence).focus()
        save(page.screenshot(), name)


def take_comparisons(browser: Browser) -> None:
    """Show what changed between two versions."""
    html = certainty.compare(FIRST, SECOND).to_html(title="Le barrage de Vernaison")
    for name, locale in (("compare", "en-GB"), ("compare-fr", "fr-FR")):
        page = opened(browser, (1100, 900), locale)
        page.set_content(html)
        save(page.screenshot(), name)


def take_print(browser: Browser) -> None:
    """Show the first page in print: A4 at 96 dots an inch, with margins of 2 cm."""
    page = opened(browser, (643, 972))
    page.set_content(certainty.score(FIRST).to_html(title=TITLE))
    page.emulate_media(media="print")
    image = Image.open(io.BytesIO(page.screenshot()))
    framed = io.BytesIO()
    ImageOps.expand(image.convert("RGB"), border=76, fill="white").save(framed, "png")
    save(framed.getvalue(), "print")


def take_server(browser: Browser) -> None:
    """Show the page of the server with a scored text, from the top of the result in a narrow window."""
    with served() as address:
        for name, size, locale in (
            ("server-light", (1280, 800), "en-GB"),
            ("server-dark", (1280, 800), "en-GB"),
            ("server-narrow", PHONE, "en-GB"),
            ("server-fr", (1280, 800), "fr-FR"),
        ):
            page = opened(browser, size, locale, dark=name == "server-dark")
            page.goto(address)
            page.locator("#example").click()
            sentence = page.frame_locator("iframe").locator(".certainty-sentence").nth(1)
            sentence.focus()
            page.wait_for_timeout(300)
            save(page.screenshot(), name)


@contextmanager
def served() -> Iterator[str]:
    """Yield the address of a server."""
    command = [sys.executable, "-m", "certainty", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        (address,) = re.findall(r"http://\S+", server.stdout.readline())
        yield address
        server.terminate()


def main() -> None:
    """Take all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for take in (take_articles, take_comparisons, take_print, take_server):
            take(browser)
        browser.close()


if __name__ == "__main__":
    main()
