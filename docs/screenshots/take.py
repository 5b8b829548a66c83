"""Take the screenshots of the page again: `python docs/screenshots/take.py`.

Needs the dev extra, chromium and pdftoppm.
"""

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import certainty
from certainty.views.html import render_page

FOLDER = Path(__file__).parent
ARTICLE = FOLDER.parent / "examples" / "article.txt"


def save(png: bytes, name: str) -> None:
    """Keep an image of 256 colours: a page needs no more, and a repository is not for large files."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    """Show probabilities in light, dark and narrow windows, filtered sentences, and the first page in print."""
    html = render_page([certainty.score(ARTICLE.read_text(encoding="utf-8"))], [ARTICLE.name])
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, width, height, sentence in (
            ("light", 1100, 720, 5),
            ("dark", 1100, 720, 10),
            ("narrow", 390, 844, 2),
            ("filtered", 1100, 720, 11),
        ):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme="dark" if name == "dark" else "light"
            )
            page.set_content(html)
            if name == "filtered":
                for label in ("asserted", "no claim"):
                    page.get_by_role("checkbox", name=label).uncheck()
                page.get_by_role("slider").fill("60")
            page.locator(".certainty-sentence").nth(sentence).focus()
            save(page.screenshot(), name)
        pdf = Path(temporary) / "page.pdf"
        page = browser.new_page()
        page.set_content(html)
        page.pdf(
            path=pdf,
            format="A4",
            print_background=True,
            margin=dict.fromkeys(("top", "bottom", "left", "right"), "2cm"),
        )
        done = subprocess.run(["pdftoppm", "-png", "-r", "80", "-l", "1", pdf], capture_output=True, check=True)
        save(done.stdout, "print")
        browser.close()


if __name__ == "__main__":
    main()
