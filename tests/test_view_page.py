"""The page in a browser: filters, panel, keyboard, accessibility, and what its security policy lets through."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import certainty
from certainty.views.html import IndexEntry, render_index, render_page
from certainty.views.records import write_csv

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARTICLE = Path(__file__).parent.parent / "docs" / "examples" / "article.txt"
Open = Callable[..., "Page"]


@pytest.fixture(scope="session")
def article() -> certainty.Document:
    return certainty.score(ARTICLE.read_text(encoding="utf-8"))


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open HTML from a file; fail if it asks for anything else, writes to the console or raises."""
    contexts = []
    complaints: list[str] = []

    def opened(html: str, query: str = "", **settings: Any) -> Page:
        path = tmp_path / f"{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(**settings)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        own = (path.as_uri(), f"{path.as_uri()}?lang=", "blob:")  # what is exported is a blob
        page.on("request", lambda request: request.url.startswith(own) or complaints.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri() + query)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def shown(page: Page) -> int:
    """The number of sentences to be seen, which the live region must tell too."""
    visible = page.locator(".certainty-sentence").filter(visible=True).count()
    total = page.locator(".certainty-sentence").count()
    assert page.locator(".certainty-status").inner_text() == f"{visible} of {total} sentences shown"
    return visible


def test_checkboxes_filter_by_label(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html())
    counts = article.counts()
    assert shown(page) == len(article)
    page.get_by_role("checkbox", name="denied").uncheck()
    assert shown(page) == len(article) - counts[certainty.Label.DENIED]
    for name in ("asserted", "probable", "personal opinion"):
        page.get_by_role("checkbox", name=name).uncheck()
    assert shown(page) == counts[certainty.Label.NO_CLAIM]
    page.get_by_role("checkbox", name="no claim").uncheck()
    assert shown(page) == 0
    page.get_by_role("checkbox", name="probable").check()
    assert shown(page) == counts[certainty.Label.PROBABLE]
    page.get_by_role("button", name="Show all").click()
    assert shown(page) == len(article)


def test_attribution_and_search_filter_and_the_bar_follows(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html())
    bar = page.locator(".certainty-overview .certainty-bar")
    by_source = page.get_by_role("combobox", name="Source")
    by_source.select_option(label="Claims without a source only")
    assert shown(page) == len(article.filter(attributed=False, claims_only=True))
    by_source.select_option(label="Attributed to a source only")
    attributed = article.filter(attributed=True)
    assert 0 < shown(page) == len(attributed) < len(article)
    denied = attributed.counts()[certainty.Label.DENIED]
    assert f"denied {denied / len(attributed):.0%}" in str(bar.get_attribute("aria-label"))
    share = page.locator(".certainty-key li[data-category=denied] .certainty-share")
    assert share.inner_text() == f"{denied} / {article.counts()[certainty.Label.DENIED]}"
    search = page.get_by_role("searchbox", name="Search")
    search.fill("DEPECHE de l'orvanne")  # case, accents and apostrophes do not matter
    assert shown(page) == 1
    assert bar.get_attribute("aria-label") == "probable 100%"
    search.fill("introuvable")
    assert shown(page) == 0 and not bar.is_visible()
    page.get_by_role("button", name="Show all").click()
    assert shown(page) == len(article)


@pytest.mark.parametrize("searched", ["oeuvre", "ŒUVRE", "coeur", "aequo", "celebre", "trait d\u2019union", "est-il"])
def test_search_folds_ligatures_accents_and_invisible_characters(open_page: Open, searched: str) -> None:
    text = "L’œuvre est célèbre. Le cœur bat, ex\xa0æquo. Le trait d'union, est\u2011il là, cé\u00adlèbre\u200b ?"
    page = open_page(certainty.score(text).to_html())
    page.get_by_role("searchbox", name="Search").fill(searched)
    found = page.locator(".certainty-sentence").filter(visible=True).all_inner_texts()
    assert 0 < len(found) < 3
    page.get_by_role("searchbox", name="Search").fill("oeufre")
    assert page.locator(".certainty-sentence").filter(visible=True).count() == 0


def test_filtering_leaves_no_empty_room(open_page: Open, article: certainty.Document) -> None:
    page = open_page(render_page([article, certainty.score("Il pleut.")], ["a.txt", "b.txt"]))
    for name in ("asserted", "no claim"):
        page.get_by_role("checkbox", name=name).uncheck()
    text = page.locator(".certainty-text").first.bounding_box()
    first = page.locator(".certainty-sentence").filter(visible=True).first.bounding_box()
    assert text and first and first["y"] - text["y"] < 10
    assert not page.get_by_role("heading", name="b.txt").is_visible()


def exported(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return download.value.path().read_text(encoding="utf-8")


def test_what_is_shown_is_exported_as_the_commands_write_it(open_page: Open) -> None:
    text = "Le pont aurait cédé 😀,\r\nselon un élu. Moscou dément. Qui paiera ?\r\n\r\n-- Il pleut."
    document = certainty.score(text)
    page = open_page(document.to_html(title="Le pont"))
    assert certainty.Document.from_json(exported(page, "JSON")).text == text
    page.get_by_role("checkbox", name="no claim").uncheck()
    kept = document.filter(claims_only=True)
    assert 0 < len(kept) < len(document)
    record = json.loads(exported(page, "JSON"))
    assert record["file"] == "Le pont"
    assert document.model and record["model"] == document.model.to_dict()
    for exact, sentence in zip(kept, certainty.Document.from_json(json.dumps(record)), strict=True):
        assert sentence.probabilities == {label: pytest.approx(p, abs=1e-6) for label, p in exact.probabilities.items()}
        assert (sentence.text, sentence.start, sentence.label, sentence.attributed, sentence.cues) == (
            (exact.text, exact.start, exact.label, exact.attributed, exact.cues)
        )
    for button, excel in (("CSV", False), ("CSV for a spreadsheet", True)):
        out = io.StringIO(newline="")
        write_csv([("Le pont", kept)], out, excel=excel)
        delimiter = ";" if excel else ","
        expected, found = (
            list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
            for content in (out.getvalue(), exported(page, button))
        )
        assert [len(row) for row in found] == [len(row) for row in expected]
        assert found[0] == expected[0]
        for row, same in zip(found[1:], expected[1:], strict=True):
            for value, other in zip(row, same, strict=True):
                numbers = [re.fullmatch(r"[\d.,e-]+", one) for one in (value, other)]
                if all(numbers):
                    a, b = (float(one.replace(",", ".")) for one in (value, other))
                    assert a == pytest.approx(b, abs=2e-6)
                else:
                    assert value.replace("\r\n", "\n") == other.replace("\r\n", "\n")


def test_the_export_of_a_page_with_undecided_claims_says_which_they_are(
    open_page: Open, article: certainty.Document
) -> None:
    page = open_page(article.to_html(min_confidence=0.9))
    undecided = [sentence.is_claim and sentence.probability < 0.9 for sentence in article]
    assert 0 < sum(undecided) < len(article)
    assert [one["undecided"] for one in json.loads(exported(page, "JSON"))["sentences"]] == undecided
    rows = list(csv.DictReader(io.StringIO(exported(page, "CSV"), newline="")))
    assert list(rows[0])[-1] == "undecided"
    assert [row["undecided"] for row in rows] == [str(one).lower() for one in undecided]
    page = open_page(article.to_html())
    assert "undecided" not in json.loads(exported(page, "JSON"))["sentences"][0]


def test_what_the_model_cannot_tell_is_neither_shown_nor_exported(open_page: Open) -> None:
    scored = certainty.score("Selon un élu, le pont aurait cédé. Moscou dément.")
    untaught = tuple(replace(s, claim_probability=None, attributed=None, cues=(), source=None) for s in scored)
    document = replace(scored, sentences=untaught, model=certainty.ModelInfo("mine", None, "0" * 64, ()))
    page = open_page(document.to_html(), query="?lang=fr")
    line = "Ce modèle ne sait pas dire quelles phrases n’affirment rien, ce qui est attribué à une source"
    assert line in page.locator(".certainty-overview").inner_text()
    assert page.get_by_role("combobox").count() == 0, "no filter by source"
    page.locator(".certainty-sentence").first.hover()
    told = page.get_by_role("tooltip").inner_text()
    assert "probable" in told and not re.search("affirmation|[Aa]ttribué|ressort|détache", told)
    found = certainty.Document.from_json(exported(page, "JSON"))
    assert {(s.claim_probability, s.is_claim, s.attributed) for s in found} == {(None, None, None)}
    assert found.model and found.model.heads == ()
    cells = [row["attributed"] + row["is_claim"] for row in csv.DictReader(io.StringIO(exported(page, "CSV")))]
    assert cells == ["", ""]


def test_a_comparison_says_that_no_word_stands_out_only_of_a_model_that_tells_cues(open_page: Open) -> None:
    def scored(text: str, heads: tuple[str, ...]) -> certainty.Document:
        model = certainty.ModelInfo("mine", None, "0" * 64, heads)
        document = certainty.score(text)
        return replace(document, sentences=tuple(replace(s, cues=()) for s in document), model=model)

    old = scored("Le maire est élu. Il pleut. Moscou dément. Le pont tient.", ())
    new = scored("Le maire serait élu. Il pleut. Le pont tient. Paris se tait.", ("cue",))
    assert {pair.change.value for pair in certainty.compare(old, new)} >= {
        "commitment",
        "unchanged",
        "added",
        "removed",
    }
    for before, after in ((old, new), (new, old)):
        page = open_page(certainty.compare(before, after).to_html(lang="en"))
        page.get_by_role("button", name="Show all").click()
        told = {}
        for sentence in page.locator(".certainty-sentence").filter(visible=True).all():
            sentence.focus()
            told[sentence.inner_text()] = "No word stands out." in page.get_by_role("tooltip").inner_text()
        removed = {s.text for s in before} - {s.text for s in after}
        assert told == {s.text: (s.text in removed) == (before is new) for s in (*before, *after)}


def test_what_is_shown_is_copied(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html(), permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("searchbox").fill("Selon le département")
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    (row,) = page.evaluate("navigator.clipboard.readText()").splitlines()
    label, percent, source, text = row.split("\t")
    assert (label, source) == ("asserted", "attributed") and percent.endswith("%") and text.startswith("Selon le")


def test_the_language_is_that_of_the_browser_and_can_be_switched(open_page: Open, article: certainty.Document) -> None:
    page = open_page(render_page([article], ["a.txt"], index="index.html"), locale="fr-CA")
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.get_by_role("link").inner_text() == "Tous les textes"
    page.get_by_role("checkbox", name="nié").uncheck()
    assert "Affichage" in page.locator(".certainty-status").inner_text()
    sentence = page.locator(".certainty-sentence").first
    assert str(sentence.get_attribute("aria-label")).startswith("présenté comme un fait, ")
    assert not re.search(r"(?i)\b(sentences|show|label|export what|asserted)\b", page.locator("main").inner_text())

    page.get_by_role("button", name="English").click()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.get_by_role("button", name="English").get_attribute("aria-pressed") == "true"
    assert str(sentence.get_attribute("aria-label")).startswith("asserted, ")
    assert not page.get_by_role("checkbox", name="denied").is_checked()  # what was chosen stays
    assert str(page.get_by_role("link").get_attribute("href")).endswith("?lang=en")  # and goes on


@pytest.mark.parametrize(("locale", "lang"), [("en-GB", "en"), ("de-DE", "en"), ("fr-FR", "fr")])
def test_other_languages_read_english_and_the_address_may_ask(
    open_page: Open, article: certainty.Document, locale: str, lang: str
) -> None:
    assert open_page(article.to_html(), locale=locale).evaluate("document.documentElement.lang") == lang
    other = "fr" if lang == "en" else "en"
    page = open_page(article.to_html(), query=f"?lang={other}", locale=locale)
    assert page.evaluate("document.documentElement.lang") == other


def test_an_index_speaks_the_language_of_the_browser(open_page: Open) -> None:
    entries = [IndexEntry("a", "a.html", {"asserted": 1, "denied": 3}), IndexEntry("b", "b.html", {"asserted": 0})]
    page = open_page(render_index(entries), locale="fr-FR")
    assert page.get_by_role("heading").inner_text() == page.title() == "2 textes"
    shares = page.locator(".certainty-share").all_inner_texts()
    assert shares == ["1 · 25\u00a0%", "3 · 75\u00a0%", "4 phrases", "0 phrase"]
    assert page.get_by_role("link", name="a").get_attribute("href") == "a.html?lang=fr"
    bars = page.locator(".certainty-bar").all()
    assert bars[1].get_attribute("aria-label") == "présenté comme un fait 25\u00a0%, nié 75\u00a0%"


def test_a_language_that_was_fixed_stays(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html(lang="fr"), locale="en-US")
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.get_by_role("button", name="English").count() == 0
    assert page.get_by_role("button", name="Tout afficher").is_visible()


def test_the_panel_tells_why_and_covers_no_line_of_the_text(open_page: Open, article: certainty.Document) -> None:
    chosen = next(i for i, sentence in enumerate(article) if sentence.attributed and sentence.cues)
    page = open_page(article.to_html(), viewport={"width": 1280, "height": 800})
    page.locator(".certainty-sentence").nth(chosen).hover()
    panel = page.get_by_role("tooltip")
    panel.wait_for()
    told = panel.inner_text()
    assert f"Words that decided: {article[chosen].cues[0].text}" in told
    source = article[chosen].source
    assert (f"Source: {source.text}" if source else "Attributed to a source in the sentence.") in told
    assert "makes a claim" in told
    box, text = panel.bounding_box(), page.locator(".certainty-text").bounding_box()
    assert box and text and box["x"] + box["width"] <= text["x"]

    narrow = open_page(article.to_html(), viewport={"width": 390, "height": 700})
    for i in (1, chosen, len(article) - 1):
        sentence = narrow.locator(".certainty-sentence").nth(i)
        sentence.focus()
        over, line = narrow.get_by_role("tooltip").bounding_box(), sentence.bounding_box()
        assert over and line
        assert over["y"] > line["y"] + line["height"] + 20 or over["y"] + over["height"] < line["y"] - 20


def test_a_comparison_shows_what_changed_and_exports_it(open_page: Open, article: certainty.Document) -> None:
    old = article.text
    new = old.replace("a voté jeudi", "aurait voté jeudi, selon un élu").replace("Le projet pourrait", "Le projet va")
    comparison = certainty.compare(article, new)
    page = open_page(comparison.to_html(title="Barrage"), locale="fr-FR")
    pairs = page.locator(".certainty-pair")
    changed = [pair for pair in comparison if pair.change is not certainty.Change.UNCHANGED]
    assert 2 == pairs.filter(visible=True).count() == len(changed) < len(comparison)
    assert page.locator(".certainty-status").inner_text().endswith(f"2 sur {len(comparison)} paires")
    assert "présenté comme un fait → probable · désormais attribué" in pairs.filter(visible=True).first.inner_text()
    assert page.locator(".certainty-summary").inner_text().startswith(f"{len(article)} phrases avant, ")
    record = json.loads(exported(page, "JSON"))
    assert [(pair["old"]["text"], pair["new"]["text"]) for pair in record["pairs"]] == [
        (pair.old.text, pair.new.text) for pair in changed if pair.old and pair.new
    ]
    page.get_by_role("button", name="Tout afficher").click()
    rows = list(csv.DictReader(io.StringIO(exported(page, "CSV"), newline="")))
    assert len(rows) == len(comparison)
    assert {row["change"] for row in rows} == {"commitment", "unchanged"}
    assert [row["text_before"] for row in rows] == [pair.old.text for pair in comparison if pair.old]
    sentence = page.locator(".certainty-sentence").filter(visible=True).first
    sentence.focus()
    assert page.get_by_role("tooltip").is_visible()


def test_slider_filters_by_probability(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html())
    slider = page.get_by_role("slider", name="Probability at least")
    slider.fill("90")
    expected = sum(round(s.probability, 4) >= 0.9 for s in article)
    assert 0 < expected < len(article)
    assert shown(page) == expected
    assert slider.get_attribute("aria-valuetext") == "90%"
    slider.press("Home")
    assert shown(page) == len(article)


def test_keyboard_moves_between_sentences_and_shows_their_probabilities(
    open_page: Open, article: certainty.Document
) -> None:
    page = open_page(article.to_html())
    sentences, panel = page.locator(".certainty-sentence"), page.get_by_role("tooltip")
    assert panel.count() == 0  # hidden
    page.get_by_role("button", name="Copy").focus()
    page.keyboard.press("Tab")
    seen = []
    for key in ("Tab", "ArrowDown", "ArrowRight", "ArrowUp", "Shift+Tab", "ArrowLeft", "ArrowLeft", "End", "Home"):
        seen.append(sentences.evaluate_all("all => all.indexOf(document.activeElement)"))
        at = article[seen[-1]]
        rows = panel.locator(".certainty-row").all_inner_texts()
        shares = {**(at.probabilities if at.is_claim else {}), "makes_a_claim": at.claim_probability}
        for row, (label, probability) in zip(rows, shares.items(), strict=True):
            name, percent = row.split("\n")[0], row.split("\n")[-1]
            assert name == label.replace("_", " ")
            assert abs(float(re.sub("[<>%]", "", percent)) / 100 - probability) < 0.011
        assert sentences.nth(seen[-1]).get_attribute("aria-describedby") == panel.get_attribute("id")
        page.keyboard.press(key)
    assert seen == [0, 1, 2, 3, 2, 1, 0, 0, len(article) - 1]

    page.keyboard.press("Escape")
    assert panel.count() == 0
    assert sentences.evaluate_all("all => all.indexOf(document.activeElement)") == 0
    page.get_by_role("checkbox", name="asserted").uncheck()
    sentences.filter(visible=True).first.focus()
    page.keyboard.press("ArrowDown")  # from one that is shown to the next that is
    chosen = [i for i, s in enumerate(article) if s.label != "asserted"]
    assert sentences.evaluate_all("all => all.indexOf(document.activeElement)") == chosen[1]


def test_pointer_shows_the_panel_within_the_window(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html(), viewport={"width": 390, "height": 600})
    panel = page.get_by_role("tooltip")
    for i in (0, 7, len(article) - 1):
        sentence = page.locator(".certainty-sentence").nth(i)
        sentence.scroll_into_view_if_needed()
        line = sentence.evaluate("one => one.getClientRects()[0].toJSON()")
        page.mouse.move(1, 1)  # away first: a panel that still shows would cover what is under it
        panel.wait_for(state="hidden")
        page.mouse.move(line["x"] + 5, line["y"] + line["height"] / 2)
        sentence.and_(page.locator("[aria-describedby]")).wait_for()
        box = panel.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert box["y"] >= 0 and box["y"] + box["height"] <= 600
    panel.hover()  # it stays under the pointer
    page.wait_for_timeout(300)
    assert panel.is_visible()
    page.mouse.move(1, 1)
    panel.wait_for(state="hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, article: certainty.Document, scheme: str) -> None:
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    page = open_page(render_page([article, article], ["a.txt", "b.txt"], min_confidence=0.7), color_scheme=scheme)
    page.locator(".certainty-sentence").nth(4).focus()
    found = sync_playwright.Axe().run(page).response["violations"]
    assert [(rule["id"], rule["impact"]) for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_without_script_the_page_reads_all_the_same(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html(), java_script_enabled=False)
    assert page.locator("input, button").count() == 0
    assert page.locator(".certainty-text").inner_text().replace("\n", "").startswith("Le barrage de Vernaison")
    title = page.locator(".certainty-sentence").nth(1).get_attribute("title")
    assert title and title.startswith("asserted ") and title.count("%") == 4


def test_two_fragments_live_in_one_notebook(open_page: Open, article: certainty.Document) -> None:
    cells = "".join(f"<div>{article._repr_html_()}</div>" for _ in range(2))
    page = open_page(f'<!DOCTYPE html><html lang="en"><title>Notebook</title><body>{cells}</body></html>')
    first, second = page.locator(".certainty").all()
    first.get_by_role("checkbox", name="denied").uncheck()
    assert first.locator("[data-category=denied]").filter(visible=True).count() == 1  # the key alone
    assert second.locator(".certainty-text [data-category=denied]").first.is_visible()
    assert page.locator(".certainty-controls").count() == 2
    ids = page.eval_on_selector_all("[id]", "all => all.map((one) => one.id)")
    assert len(ids) == len(set(ids)) == 2


HOSTS = {"light": '<body data-jp-theme-light="true">', "dark": '<body data-jp-theme-light="false">'}


@pytest.mark.parametrize("theme", HOSTS)
def test_a_fragment_follows_the_notebook_and_fits_a_screen(
    open_page: Open, article: certainty.Document, theme: str
) -> None:
    system = "light" if theme == "dark" else "dark"
    html = f'<!DOCTYPE html><html lang="en"><title>Notebook</title>{HOSTS[theme]}{article._repr_html_()}</body></html>'
    page = open_page(html, color_scheme=system, viewport={"width": 1100, "height": 800})
    cell = page.locator(".certainty")
    shown = cell.evaluate("one => getComputedStyle(one).backgroundColor")
    assert shown == {"light": "rgb(255, 255, 255)", "dark": "rgb(24, 25, 28)"}[theme]
    assert cell.evaluate("one => getComputedStyle(one).colorScheme") == theme
    assert cell.bounding_box()["height"] < 600
    assert page.get_by_role("slider").count() == 0
    page.get_by_text("Filters, export and help").click()
    page.get_by_role("slider").fill("99")
    assert 0 < cell.locator(".certainty-sentence").filter(visible=True).count() < len(article)
    last = cell.locator(".certainty-sentence").filter(visible=True).last
    last.focus()
    panel, box = page.get_by_role("tooltip").bounding_box(), last.bounding_box()
    assert (
        panel
        and box
        and min(abs(panel["y"] - box["y"] - box["height"]), abs(box["y"] - panel["y"] - panel["height"])) < 20
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_comparison(open_page: Open, article: certainty.Document, scheme: str) -> None:
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    new = article.text.replace("a voté", "aurait voté").replace("Le tribunal", "Hier. Le tribunal")
    page = open_page(certainty.compare(article, new).to_html(title="a"), color_scheme=scheme, locale="fr")
    page.get_by_role("button", name="Tout afficher").click()
    found = sync_playwright.Axe().run(page).response["violations"]
    assert [(rule["id"], rule["impact"]) for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_print_keeps_the_marks_and_hides_the_controls(open_page: Open, article: certainty.Document) -> None:
    page = open_page(article.to_html(), color_scheme="dark")
    page.emulate_media(media="print")
    assert page.locator("input, button").filter(visible=True).count() == 0
    sentence = page.locator(".certainty-text .certainty-denied").first
    assert "≠" in sentence.evaluate("one => getComputedStyle(one, '::before').content")
    assert page.locator("main").evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(255, 255, 255)"


def test_nothing_in_a_text_runs(open_page: Open) -> None:
    text = '<img src=x onerror="document.title=1"> <script>document.title=2</script> </span></div> Il est parti.'
    page = open_page(render_page([certainty.score(text)], ["</title><script>document.title=3</script>"]))
    assert page.title() == "</title><script>document.title=3</script> – certainty"
    assert text in page.locator(".certainty-text").inner_text()
