"""The page in a real browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from serving import serving

import certainty
from certainty.server.app import create_app
from certainty.server.settings import ServerSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

TEXT = "La Russie aurait livré des armes. <b>Moscou</b> dément. Pourquoi ?"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(create_app(certainty.load(), ServerSettings(max_characters=300))) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page; nothing may be asked of another address, nothing may break the policy."""
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        yield page
        local = (address, "data:", "about:", "blob:")
        assert not [url for url in asked if not url.startswith(local)]
        assert not [text for text in wrong if "Failed to load resource" not in text]  # the server said no, or is away


def score(page: Page, text: str) -> Any:
    page.get_by_label("French text").fill(text)
    page.get_by_role("button", name="Score").click()
    return page.frame_locator("iframe")


def test_a_pasted_text_is_shown_with_its_labels(page: Page) -> None:
    view = score(page, TEXT)
    view.get_by_text("La Russie").wait_for()
    assert "<b>Moscou</b> dément" in view.locator("main").inner_text()
    assert page.get_by_role("status").inner_text() == "Scored."
    tinted = view.locator("main").evaluate(
        "main => [...main.querySelectorAll('*')].some(e => getComputedStyle(e).backgroundColor !== 'rgba(0, 0, 0, 0)')"
    )
    assert tinted  # the policy lets the view's own styles through


def test_control_enter_scores(page: Page) -> None:
    assert page.get_by_label("French text").evaluate("e => e === document.activeElement")
    page.keyboard.type("Il pleut.")
    page.keyboard.press("Control+Enter")
    page.frame_locator("iframe").get_by_text("Il pleut.").wait_for()
    score(page, "Il neige.").get_by_text("Il neige.").wait_for()


def test_the_example_is_scored(page: Page) -> None:
    page.get_by_role("button", name="Example").click()
    page.frame_locator("iframe").get_by_text("La ministre a présenté").wait_for()


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the page, as a browser tells it."""
    transfer = page.evaluate_handle(
        "([name, bytes]) => { const all = new DataTransfer(); all.items.add(new File([Uint8Array.from(bytes)], name)); "
        "return all; }",
        [name, list(content)],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": transfer})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252"])
def test_a_file_is_opened_and_scored(page: Page, encoding: str) -> None:
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Open a file…").click()
    chosen.value.set_files({"name": "a.txt", "mimeType": "text/plain", "buffer": "L’été dément.".encode(encoding)})
    page.frame_locator("iframe").get_by_text("L’été dément.").wait_for()
    assert page.get_by_label("French text").input_value() == "L’été dément."


def test_a_file_is_dropped_and_scored(page: Page) -> None:
    drop(page, "b.md", "Moscou dément.".encode())
    page.frame_locator("iframe").get_by_text("Moscou dément.").wait_for()
    assert not page.get_by_text("Drop the file to score it").is_visible()


def test_a_file_that_is_no_text_is_refused_with_what_to_do(page: Page) -> None:
    for name, said in (("a.pdf", "is not a plain text."), ("b.png", "is not a text."), ("c.bin", "is not a text.")):
        drop(page, name, b"%PDF-1.7\0\0")
        page.get_by_role("status").get_by_text(f"{name} {said}").wait_for()
        assert (f"certainty view {name}" in page.get_by_role("status").inner_text()) == (name == "a.pdf")
    assert page.get_by_label("French text").input_value() == ""


def test_the_result_is_downloaded(page: Page) -> None:
    view = score(page, TEXT)
    view.get_by_role("button", name="JSON", exact=True).wait_for()  # not folded up, in a wide window
    saved = {}
    for button in ("CSV", "JSON", "Page"):
        with page.expect_download() as download:
            view.get_by_role("button", name=button, exact=True).click()
        saved[button] = download.value.path().read_text(encoding="utf-8")
    document = certainty.Document.from_json(saved["JSON"])
    assert [s.label for s in document] == [s.label for s in certainty.score(TEXT)]
    assert len(list(csv.DictReader(io.StringIO(saved["CSV"], newline="")))) == len(document)
    again = page.context.new_page()
    again.set_content(saved["Page"])
    assert again.locator(".certainty-sentence").count() == len(document)


def test_the_filters_are_folded_up_until_there_is_room(page: Page) -> None:
    page.set_viewport_size({"width": 500, "height": 700})
    view = score(page, TEXT)
    view.get_by_text("La Russie").wait_for()
    assert not view.get_by_role("button", name="JSON", exact=True).is_visible()
    page.set_viewport_size({"width": 1300, "height": 700})
    view.get_by_role("button", name="JSON", exact=True).wait_for()
    view.locator("summary").get_by_text("Filters").click()
    page.set_viewport_size({"width": 1200, "height": 700})
    view.get_by_role("button", name="JSON", exact=True).wait_for(state="hidden")  # as the reader left it


def test_the_page_speaks_french_and_its_result_too(browser: Browser, address: str) -> None:
    with browser.new_context(locale="fr-FR") as context:
        page = context.new_page()
        page.goto(address)
        assert page.evaluate("document.documentElement.lang") == "fr"
        page.get_by_role("button", name="Exemple").click()
        page.get_by_text("Analyse terminée.").wait_for()
        view = page.frame_locator("iframe")
        view.get_by_role("checkbox", name="nié").wait_for()
        assert view.get_by_role("button", name="English").count() == 0  # the page around has the switch
        page.get_by_role("button", name="English").click()
        view.get_by_role("checkbox", name="denied").wait_for()
        assert page.get_by_role("status").inner_text() == "Scored."
        page.goto(f"{address}?lang=en")
        assert page.get_by_role("button", name="Score").is_visible()


def test_on_a_phone_the_result_comes_into_sight(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 700})
    score(page, TEXT).get_by_text("La Russie").wait_for()
    page.wait_for_function("document.getElementById('result').getBoundingClientRect().top < 20")
    page.get_by_role("link", name="Back to the text").click()
    page.wait_for_function("document.getElementById('text').getBoundingClientRect().top >= 0")


def test_without_script_the_page_says_what_to_do(browser: Browser, address: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        assert "needs JavaScript" in page.locator("noscript").inner_text()
        assert page.get_by_role("button", name="Score").is_visible()


def test_errors_are_said_in_words(page: Page) -> None:
    said = page.get_by_role("status")
    score(page, "  ")
    assert said.inner_text() == "Paste a text first."
    score(page, "a" * 301)
    said.get_by_text("at most 300 (max_characters)").wait_for()
    page.context.set_offline(True)
    score(page, "Il pleut.")
    said.get_by_text("cannot be reached").wait_for()
    page.context.set_offline(False)
    score(page, "Il pleut.").get_by_text("Il pleut.").wait_for()


def test_the_page_asks_for_the_key(browser: Browser) -> None:
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept("clé" if len(asked) == 1 else "key") if len(asked) < 3 else dialog.dismiss()

    with serving(create_app(certainty.load(), ServerSettings(api_key="key"))) as address, browser.new_page() as page:
        page.on("dialog", answer)
        page.goto(address)
        score(page, "Il pleut.").get_by_text("Il pleut.").wait_for()
        score(page, "Il neige.").get_by_text("Il neige.").wait_for()
    assert asked == ["API key of this server"] * 2  # the first one was wrong, the second is kept


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_is_accessible_and_fits(page: Page, scheme: Any, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    for text in ("", TEXT):
        if text:
            score(page, text).get_by_text("La Russie").wait_for()
        found = axe.run(page).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_documentation_needs_nothing_from_elsewhere(page: Page, address: str) -> None:
    page.goto(f"{address}/docs")
    page.get_by_text("/v1/score/stream").wait_for()
