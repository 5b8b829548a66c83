"""The report of an evaluation: its page, also in a browser, and the files beside it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from evaluating import BEHAVIOUR, PROBABLE, SENTENCES, TWO_CLAIMS, Confused, StandIn, alone

from certainty.evaluation import METRICS, compare
from certainty.labelled import LabelledSentence

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_the_report_shows_errors_escaped_and_the_figures_hold_no_text(tmp_path: Path) -> None:
    nasty = LabelledSentence(
        "<script>alert(1)</script> serait « à moi ».", PROBABLE, cues=((26, 32),), corpus="sud & est"
    )
    sentences = [*SENTENCES, nasty]
    page = alone(StandIn([nasty.text], sentences), sentences).write_report(tmp_path).read_text(encoding="utf-8")
    assert '&lt;script&gt;alert(1)&lt;/script&gt; <span class="gold predicted">serait</span> « à moi ».' in page
    assert page.count("<script") == 1
    assert '\n<p class="muted">1 sentence labelled wrongly' in page and '<span class="interval">0.' in page
    assert "sud &amp; est" in page
    figures = (tmp_path / "metrics.json").read_text(encoding="utf-8")
    assert "alert" not in figures and "sud & est" in figures
    (row,) = csv.DictReader(io.StringIO((tmp_path / "errors.csv").read_text(encoding="utf-8-sig")))
    assert row["text"] == nasty.text
    assert (row["gold"], row["predicted"], row["probability"]) == ("probable", "personal_opinion", "0.97")
    assert (row["gold_cues"], row["cues"], row["is_claim"], row["doubtful"]) == ("serait", "serait", "true", "false")


def test_the_table_of_errors_is_filtered(tmp_path: Path, browser: Browser) -> None:
    wrong = [s.text for s in SENTENCES[:6]]
    result = compare({"a": StandIn(wrong[:2]), "b": StandIn(wrong)}, SENTENCES, behaviour=BEHAVIOUR, baselines=False)
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(result.write_report(tmp_path).as_uri())
    rows = page.locator("#errors tbody tr:visible")
    assert rows.count() == 6 and page.inner_text("#shown") == "6 of 6 shown"
    page.select_option("[name=wrong]", label="a")
    assert rows.count() == 2
    page.select_option("[name=gold]", "probable")
    assert page.inner_text("#shown") == "1 of 6 shown"
    page.select_option("[name=wrong]", "")
    page.select_option("[name=gold]", "")
    page.check("[name=apart]")
    assert rows.count() == 4
    page.fill("[name=text]", "MONTRIEU")
    assert rows.count() == 2
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page itself does not scroll sideways"
    )
    assert problems == []
    page.close()


def test_the_table_of_errors_is_filtered_by_no_claim(tmp_path: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(alone(Confused([SENTENCES[1].text])).write_report(tmp_path).as_uri())
    rows = page.locator("#errors tbody tr:visible")
    every = rows.count()
    page.select_option("[name=predicted]", "no_claim")
    assert rows.count() == 1 and SENTENCES[1].text in rows.inner_text()
    page.select_option("[name=predicted]", "")
    page.select_option("[name=gold]", "no_claim")
    assert rows.count() == every - 1 == sum(not s.claim for s in SENTENCES)
    page.close()


def test_a_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    page = alone(StandIn()).write_report(tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 3


def test_every_metric_of_the_table_is_in_report_card_and_summary(tmp_path: Path) -> None:
    rows = [*SENTENCES, *TWO_CLAIMS]
    result = alone(StandIn(sentences=rows), rows)
    page, printed = result.write_report(tmp_path).read_text(encoding="utf-8"), result.summary()
    assert list(result.metrics) == list(METRICS)
    for metric in METRICS.values():
        assert metric.title in page and metric.explanation in page and f"\n{metric.title} " in printed
