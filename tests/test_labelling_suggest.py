"""Which sentences to label next."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from certainty import CertaintyError, Document, Label, SentenceScore
from certainty.cli import main
from certainty.errors import MissingExtraError
from certainty.labelling.suggest import MEASURES, Suggestion, SuggestionSettings, suggest
from certainty.labels import LABELS


def score(text: str, p: float, is_claim: bool = True) -> SentenceScore:
    probabilities = dict(zip(LABELS, (p, 1 - p, 0.0, 0.0), strict=True))
    label = max(probabilities, key=lambda name: probabilities[name]) if is_claim else Label.NO_CLAIM
    return SentenceScore(text, 0, len(text), label, probabilities, 0.9 if is_claim else 0.1, False, ())


def documents(*scores: SentenceScore) -> Iterator[tuple[str, Document]]:
    yield from (("a.txt", Document(s.text, (s,))) for s in scores)


def texts(chosen: list[Suggestion]) -> list[str]:
    return [item.score.text for item in chosen]


def test_most_uncertain_claims_come_first() -> None:
    given = [score(f"Phrase {n}.", 0.5 + n / 20) for n in range(10)]
    given.append(score("Question ?", 0.5, is_claim=False))
    chosen = suggest(documents(*given), SuggestionSettings(count=3, random_share=0, diversity=1))
    assert texts(chosen) == ["Phrase 0.", "Phrase 1.", "Phrase 2."]
    assert {item.reason for item in chosen} == {"uncertain"}


def test_diversity_takes_one_of_each_kind() -> None:
    kinds = ["Le pont rouge a cédé", "Une grève commence demain", "Selon eux le vin manque"]
    given = [score(f"{kind} {'encore ' * n}.", 0.5 + (i + n) / 100) for i, kind in enumerate(kinds) for n in range(4)]
    close = texts(suggest(documents(*given), SuggestionSettings(count=3, random_share=0, diversity=1)))
    spread = texts(suggest(documents(*given), SuggestionSettings(count=3, random_share=0, diversity=4)))
    assert len({text[:6] for text in close}) < 3
    assert len({text[:6] for text in spread}) == 3


def test_random_share_is_uniform_and_marked() -> None:
    drawn = np.zeros(10)
    for seed in range(300):
        given = [score(f"Phrase {n}.", 0.99) for n in range(10)]
        chosen = suggest(documents(*given), SuggestionSettings(count=2, random_share=1.0, seed=seed))
        assert [item.reason for item in chosen] == ["random", "random"]
        for text in texts(chosen):
            drawn[int(text[7])] += 1
    # 60 expected of each; ± 5 standard deviations.
    assert np.abs(drawn - 60).max() < 35


def test_same_seed_same_choice_and_no_sentence_twice() -> None:
    given = [score(f"Phrase numéro {n % 40}  ici.", 0.5 + (n % 40) / 100) for n in range(80)]
    settings = SuggestionSettings(count=12, random_share=0.25, diversity=3, seed=5)
    first, second = (suggest(documents(*given), settings) for _ in range(2))
    assert first == second
    assert len(set(texts(first))) == 12
    assert [item.reason for item in first] == ["random"] * 3 + ["uncertain"] * 9


def test_excluded_sentences_are_told_by_their_words() -> None:
    given = [score("Il  PLEUT.", 0.5), score("Il neige.", 0.6)]
    assert texts(suggest(documents(*given), SuggestionSettings(count=5), exclude=["il pleut."])) == ["Il neige."]


def test_neighbours_are_those_of_the_same_source() -> None:
    def document(*texts: str) -> Document:
        return Document(" ".join(texts), tuple(score(text, 0.6) for text in texts))

    given = [("a", document("Il pleut.", "Il neige.")), ("a", document("Il vente.")), ("b", document("Il gèle."))]
    chosen = suggest(iter(given), SuggestionSettings(count=4, random_share=1))
    assert [(item.before, item.score.text, item.after) for item in chosen] == [
        ("", "Il pleut.", "Il neige."),
        ("Il pleut.", "Il neige.", "Il vente."),
        ("Il neige.", "Il vente.", ""),
        ("", "Il gèle.", ""),
    ]


def test_measures_are_highest_when_all_labels_are_as_likely() -> None:
    for measure in MEASURES.values():
        assert measure(np.full(4, 0.25)) > measure(np.array([0.4, 0.3, 0.2, 0.1])) > measure(np.array([1.0, 0, 0, 0]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count is 0; it must be greater than 0"),
        ({"count": 1, "random_share": 1.5}, r"random_share is 1\.5; it must be less than or equal to 1"),
        ({"count": 1, "diversity": 0}, "diversity is 0"),
        ({"count": 1, "measure": "x"}, "measure is 'x'; it must be 'margin', 'entropy' or 'least-confidence'"),
    ],
)
def test_settings_are_checked(values: dict[str, float], message: str) -> None:
    with pytest.raises(CertaintyError, match=message):
        SuggestionSettings(**values)  # type: ignore[arg-type]


def test_command_writes_tasks_that_can_be_exported_and_excluded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "article.txt"
    source.write_text(
        "Le maire a signé. Le pont aurait cédé.\r\n\r\nJe crois qu’il a tort. Il ment. 🙂 Qui paiera ?\r\n"
    )
    tasks, more = tmp_path / "tasks.jsonl", tmp_path / "more.jsonl"
    arguments = ["label", "suggest", str(source), "--random-share", "0.5"]
    assert main([*arguments, "--count", "2", "-o", str(tasks)]) == 0
    rows = [json.loads(line) for line in tasks.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 2 and {row["reason"] for row in rows} <= {"random", "uncertain"}
    assert all(row["corpus"] == "article.txt" and row["text"] in source.read_text() for row in rows)
    assert main([*arguments, "--count", "9", "--exclude", str(tasks), "-o", str(more)]) == 0
    assert "of 9 sentences" in capsys.readouterr().err
    others = [json.loads(line)["text"] for line in more.read_text(encoding="utf-8").splitlines()]
    assert not set(others) & {row["text"] for row in rows}
    exported = tmp_path / "export.jsonl"
    assert main(["label", "export", str(tasks), "--to", "doccano", "-o", str(exported)]) == 0
    assert [json.loads(line)["sentence_id"] for line in exported.read_text().splitlines()] == [r["id"] for r in rows]


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"suggest needs sklearn .*: pip install 'certainty-fr\[label\]'"):
        suggest(documents(score("Il pleut.", 0.5)), SuggestionSettings(count=1))


def test_bad_files_are_reported_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("Le maire a signé.")
    bad.write_bytes(b"\0\1\2\0")
    assert main(["label", "suggest", str(bad), str(good), "--count", "1", "--random-share", "1"]) == 2
    captured = capsys.readouterr()
    assert "bad.txt: is binary data" in captured.err
    assert json.loads(captured.out)["text"] == "Le maire a signé."
    assert main(["label", "suggest", str(bad), "--count", "1", "-o", str(tmp_path / "out.jsonl")]) == 2
    assert not (tmp_path / "out.jsonl").exists()
