"""The page in a real browser."""

from __future__ import annotations

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
        local = (address, "data:", "about:")
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
