"""Agreement of annotators, against figures worked out by hand or published."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from certainty import CertaintyError, Label
from certainty.cli import main
from certainty.intervals import f1_interval, share_interval
from certainty.labelled import LabelledSentence
from certainty.labelling.agreement import agreement
from certainty.labelling.merging import merge

LETTERS = {"a": Label.ASSERTED, "p": Label.PROBABLE, "o": Label.PERSONAL_OPINION, "d": Label.DENIED, "n": None}


def rows(letters: str, annotator: str = "", attributed: str = "") -> list[LabelledSentence]:
    """Rows of the sentences 0, 1, 2, …; a dot leaves one out."""
    return [
        LabelledSentence(
            f"Phrase {n}.",
            LETTERS[letter],
            claim=letter != "n",
            attributed=attributed[n] == "r" if attributed else None,
            id=str(n),
            annotator=annotator,
        )
        for n, letter in enumerate(letters)
        if letter != "."
    ]


def test_kappa_and_alpha_of_two_annotators() -> None:
    result = agreement([("zoé", rows("aaaadddpon")), ("marc", rows("aaaaddapon"))], resamples=200)
    (pair,) = result.label.pairs
    # 9 of 10 agree; by chance (4·5 + 1 + 1 + 3·2 + 1) / 100 = 0.29.
    assert (pair.first, pair.second, pair.sentences, pair.agreement.value) == ("marc", "zoé", 10, 0.9)
    assert pair.kappa.value == pytest.approx((0.9 - 0.29) / (1 - 0.29))
    assert pair.kappa.low is not None and pair.kappa.high is not None
    assert pair.kappa.low < pair.kappa.value < pair.kappa.high <= 1
    # Rows are marc's answers: he called one asserted that zoé denied.
    assert pair.confusion[0] == [4, 0, 0, 1, 0]
    # Observed disagreement 2 of 20; expected from the pooled counts 9, 2, 2, 5, 2: (400 - 118) / (20 · 19).
    assert result.label.alpha.value == pytest.approx(1 - (2 / 20) / ((400 - 118) / 380))
    assert result.label.counts == {"asserted": 9, "probable": 2, "personal_opinion": 2, "denied": 5, "no_claim": 2}
    assert result.label.by_category["probable"].value == 1.0
    assert [row["id"] for row in result.disagreements] == ["6"]
    assert result.disagreements[0] == {"id": "6", "text": "Phrase 6.", "zoé": "denied", "marc": "asserted"}


# The examples A, B and C of Krippendorff 2011, "Computing Krippendorff's alpha-reliability"; a dot is a missing value.
PUBLISHED = [
    (["apaaaaaapa", "pppaapaaaa"], 0.095),
    (["aappdooondda", "papppooonddd"], 0.692),
    (["apoopadap...", "apooppdapn.o", ".ooopodppna.", "apoopddapna."], 0.743),
]


@pytest.mark.parametrize(("grid", "alpha"), PUBLISHED)
def test_alpha_is_the_published_one(grid: list[str], alpha: float) -> None:
    result = agreement([(f"coder {n}", rows(letters)) for n, letters in enumerate(grid)], resamples=20)
    assert result.label.alpha.value == pytest.approx(alpha, abs=5e-4)
    assert len(result.label.pairs) == len(grid) * (len(grid) - 1) // 2


def alpha_by_coincidences(values: NDArray[np.int64]) -> float:
    """Return nominal α as Krippendorff 2011 defines it, by the matrix of coincidences; values of shape (coders, n)."""
    pairs = Counter((a, b) for unit in values.T for a, b in permutations(unit.tolist(), 2))
    n = sum(pairs.values())
    totals: Counter[int] = Counter()
    for (a, _), count in pairs.items():
        totals[a] += count
    observed = sum(count for (a, b), count in pairs.items() if a != b)
    expected = sum(totals[a] * totals[b] for a, b in permutations(totals, 2))
    return 1 - (n - 1) * observed / expected


def test_intervals_are_those_of_resampled_sentences() -> None:
    from sklearn.metrics import cohen_kappa_score

    a, b = "aaaaddddponaaddpnoad", "aaaaddapondaadppnoaa"
    result = agreement([("a", rows(a)), ("b", rows(b))], resamples=4000)
    rng = np.random.default_rng(1)
    data = np.array([["apodn".index(letter) for letter in letters] for letters in (a, b)])
    draws = [data[:, rng.integers(20, size=20)] for _ in range(1500)]
    alphas = [alpha_by_coincidences(draw) for draw in draws]
    kappas = [cohen_kappa_score(*draw) for draw in draws]
    for estimate, values in ((result.label.alpha, alphas), (result.label.pairs[0].kappa, kappas)):
        assert (estimate.low, estimate.high) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.04)


def test_no_claim_is_a_category_and_attribution_is_compared_on_claims() -> None:
    first, second = rows("aand", "x", "rrrr"), rows("aaad", "y", "raar")
    result = agreement([("f", first + second)], resamples=20)
    assert result.label.pairs[0].confusion[4] == [1, 0, 0, 0, 0]
    assert result.attribution.sentences == 3
    assert result.attribution.pairs[0].agreement.value == pytest.approx(2 / 3)


def test_one_category_only_has_no_coefficient() -> None:
    result = agreement([("x", rows("aaa")), ("y", rows("aaa"))], resamples=5)
    assert result.label.alpha.value is None
    assert result.label.pairs[0].agreement.value == 1.0
    assert result.label.pairs[0].kappa.value is None


def test_few_sentences_on_which_all_agree_are_not_certain() -> None:
    whole = agreement([("x", rows("aaaappdd", attributed="rrrraaaa")), ("y", rows("aaaappdd", attributed="rrrraaaa"))])
    low = share_interval(np.array([8, 8])).low
    (pair,) = whole.label.pairs
    assert (pair.agreement.value, pair.agreement.low, pair.agreement.high) == (1, pytest.approx(low), 1)
    by_chance = (4**2 + 2**2 + 2**2) / 8**2
    assert (pair.kappa.value, pair.kappa.high) == (1, 1)
    assert pair.kappa.low == pytest.approx((low - by_chance) / (1 - by_chance))
    differing = (16**2 - 8**2 - 4**2 - 4**2) / (16 * 15)  # of the 16 answers, two by two
    assert (whole.label.alpha.value, whole.label.alpha.high) == (1, 1)
    assert whole.label.alpha.low == pytest.approx(1 - (1 - low) / differing)
    for estimate in (*whole.label.by_category.values(), whole.attribution.alpha):
        assert estimate.value is None or (estimate.low is not None and estimate.low < 0.6)
    (rare,) = agreement([("x", rows("aaaaaaad")), ("y", rows("aaaaaada"))]).label.pairs
    assert rare.kappa.low == -1, "the least that κ can be"


def test_many_sentences_are_measured_as_by_the_bootstrap_alone() -> None:
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(2)
    first = rng.choice(list("aaaddpon"), 1500)
    second = np.where(rng.random(1500) < 0.8, first, rng.choice(list("aaaddpon"), 1500))
    (pair,) = agreement([("x", rows("".join(first))), ("y", rows("".join(second)))]).label.pairs
    draws = [cohen_kappa_score(first[drawn], second[drawn]) for drawn in rng.integers(1500, size=(500, 1500))]
    assert (pair.kappa.low, pair.kappa.high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), abs=0.01)


def test_bootstrap_is_repeatable() -> None:
    sources = [("x", rows("aapdoanpaapdoanpaapdoanp")), ("y", rows("aapdoadpoapnaaddapadoanp"))]
    assert agreement(sources, resamples=50, seed=3) == agreement(sources, resamples=50, seed=3)
    assert agreement(sources, resamples=50, seed=3).label.alpha != agreement(sources, resamples=50, seed=4).label.alpha


def test_mistakes() -> None:
    with pytest.raises(CertaintyError, match=r"no sentence was labelled by two annotators \(found: x\)"):
        agreement([("x", rows("apd"))])
    with pytest.raises(CertaintyError, match=r"annotator 'x' labelled '0' twice \(asserted, denied\)"):
        agreement([("x", rows("a") + rows("d"))])
    moved = [LabelledSentence("Autre.", Label.DENIED, id="0", annotator="y")]
    with pytest.raises(CertaintyError, match="f: id '0' names two texts"):
        agreement([("f", rows("a", "x") + moved)])


def test_sentences_go_by_their_text_where_files_number_them_differently(caplog: pytest.LogCaptureFixture) -> None:
    renumbered = [replace(row, id=str(3 - n)) for n, row in enumerate(rows("apod"))]
    sources = [("x", rows("apon")), ("y", renumbered)]
    result = agreement(sources, resamples=5)
    assert (result.label.sentences, result.label.pairs[0].agreement.value) == (4, 0.75)
    assert result.disagreements == [{"id": "3", "text": "Phrase 3.", "x": "no_claim", "y": "denied"}]
    assert "4 rows have an id that names another text in another file" in caplog.text
    agreement([("x", rows("a")), ("y", [replace(rows("a")[0], text="Autre."), *rows("aa")[1:]]), ("z", rows("a"))])
    assert "1 row has an id that names" in caplog.text
    assert [(s.text, s.id) for s in merge(sources).sentences] == [(f"Phrase {n}.", str(n)) for n in range(3)]


def cued(label: Label, annotator: str, *cues: tuple[int, int], id: str = "0") -> LabelledSentence:
    return LabelledSentence("On n'a pas dit qu'il ment.", label, cues=cues, id=id, annotator=annotator)


def test_cues_are_compared_word_by_word_where_the_label_is_the_same() -> None:
    ana = [cued(Label.DENIED, "ana", (3, 10)), cued(Label.DENIED, "ana", (7, 10), id="1")]  # n'a pas; pas
    bo = [cued(Label.DENIED, "bo", (7, 14)), cued(Label.PROBABLE, "bo", (7, 10), id="1")]  # pas dit
    result = agreement([("f", ana + bo)], resamples=5)
    # Of n' a pas dit, both marked one word; 3 and 2 words were marked. The labels of the second sentence differ.
    assert (result.cues.sentences, result.cues.f1.value) == (1, pytest.approx(2 * 1 / (3 + 2)))
    assert agreement([("f", [cued(Label.DENIED, "ana"), *bo])], resamples=5).cues.f1.value is None


def test_cues_on_which_all_agree_are_as_sure_as_their_sentences_are_many() -> None:
    same = [cued(Label.DENIED, name, (3, 14), id=str(n)) for name in ("ana", "bo") for n in range(4)]
    cues = agreement([("f", same)]).cues
    assert (cues.f1.value, cues.f1.high) == (1, 1)
    assert cues.f1.low == pytest.approx(f1_interval(np.array([4, 0, 0])).low), "four sentences, each of four words"


def test_command_takes_one_file_an_annotator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, labels in (("zoé", ("asserted", "denied")), ("marc", ("asserted", "probable"))):
        lines = [f'{{"id": {n}, "text": "Phrase {n}.", "label": "{label}"}}\n' for n, label in enumerate(labels)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    files = [str(tmp_path / "zoé.jsonl"), str(tmp_path / "marc.jsonl")]
    differing = tmp_path / "differing.jsonl"
    arguments = ["label", "agreement", *files, "--resamples", "20"]
    assert main([*arguments, "--format", "json", "--disagreements", str(differing)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["annotators"] == ["marc", "zoé"]
    assert result["label"]["pairs"][0]["agreement"]["value"] == 0.5
    assert json.loads(differing.read_text(encoding="utf-8"))["zoé"] == "denied"
    (tmp_path / "lia.jsonl").write_text('{"id": 0, "text": "Phrase 0.", "label": "asserted"}\n')
    listed = tmp_path / "differing.csv"
    assert main([*arguments[:2], str(tmp_path / "lia.jsonl"), *arguments[2:], "--disagreements", str(listed)]) == 0
    (row,) = csv.DictReader(listed.read_text(encoding="utf-8-sig").splitlines())
    assert row == {"id": "1", "text": "Phrase 1.", "lia": "", "marc": "probable", "zoé": "denied"}
    capsys.readouterr()
    for action in (arguments, ["label", "merge", *files, "-o", str(tmp_path / "merged.jsonl")]):
        assert main([*action, "--disagreements", str(tmp_path / "differing.xlsx")]) == 2
        assert "differing.xlsx: its ending does not stand for a format; give a name in .csv or .jsonl" in (
            capsys.readouterr().err
        )
    assert main(arguments) == 0
    table = capsys.readouterr().out
    for told in ("marc / zoé", "50.0%", "9.5% to 90.5%", "sentences with different labels: 1"):
        assert told in table


def test_the_commands_read_the_annotators_from_a_column_of_any_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, merged = tmp_path / "rows.csv", tmp_path / "merged.jsonl"
    path.write_text("id,text,label,codeur\n1,Il pleut.,asserted,ana\n1,Il pleut.,asserted,bo\n")
    column = ["--annotator-column", "codeur"]
    assert main(["label", "agreement", str(path), *column, "--format", "json", "--resamples", "5"]) == 0
    assert json.loads(capsys.readouterr().out)["annotators"] == ["ana", "bo"]
    assert main(["label", "merge", str(path), *column, "-o", str(merged)]) == 0
    assert json.loads(merged.read_text(encoding="utf-8"))["annotator"] == "ana, bo"
    assert main(["label", "agreement", str(path), "--annotator-column", "coder"]) == 2
    told = "no column 'coder'. Found: codeur, id, label, text. Give --annotator-column, or rename"
    assert told in capsys.readouterr().err


def test_rows_of_several_annotators_with_the_same_label_are_all_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    line = '{{"id": "1", "text": "Il pleut.", "label": "{}", "annotator": "{}"}}\n'
    path.write_text(line.format("asserted", "x") + line.format("asserted", "y"))
    assert main(["label", "agreement", str(path), "--format", "json", "--resamples", "5"]) == 0
    assert json.loads(capsys.readouterr().out)["label"]["sentences"] == 1
