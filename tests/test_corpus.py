"""Labels without text: made from labelled files, and joined again with copies of the corpora."""

from __future__ import annotations

import dataclasses
import gzip
import json
import lzma
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from certainty import CertaintyError
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labels import LABELS as CLAIM_LABELS
from training.data.corpus import LABELS, SOURCES, join, main
from training.data.standoff import OPTIONAL, StandoffLabel, read_labels, read_sources, write_labels

TREEBANK = "Le pont de Larnay n'a jamais été rouvert."
ARTICLE = "« Le maire aurait signé l'accord », souffle un proche."
SPEECH = "À mon avis, ce texte va dans le bon sens."
DATA = Path(__file__).parent / "data"


def row(id: str, corpus: str, text: str, label: str | None, *cues: str) -> dict[str, Any]:
    spans = [[text.index(cue), text.index(cue) + len(cue)] for cue in cues]
    return {
        "id": id,
        "text": text,
        "label": label,
        "claim": label is not None,
        "second": None,
        "attributed": False,
        "cues": spans,
        "corpus": corpus,
        "annotators": 1,
    }


ROWS = [
    row("gsd:fr-ud-dev_90001", "UD_French-GSD", TREEBANK, "denied", "n'a jamais"),
    row("orangesum-7#2", "OrangeSum", ARTICLE, "probable", "aurait"),
    row("europarl#5", "Europarl", SPEECH, "personal_opinion", "À mon avis"),
    row("europarl#6", "Europarl", "Débat", None),
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    write_labels([file], tmp_path / "labels")
    return file


def sources(folder: Path, treebank: str = TREEBANK, article: str = ARTICLE) -> dict[str, list[Path]]:
    """Write copies of three corpora, each in its own layout, in which the sentences do not stand alone."""
    conllu = folder / "UD_French-GSD" / "fr_gsd-ud-dev.conllu"
    conllu.parent.mkdir(exist_ok=True)
    conllu.write_text(f"# sent_id = fr-ud-dev_90001\n# text = {treebank}\n1\tLe\t_\n\n", encoding="utf-8")
    parsed = folder / "OrangeSum" / "parsed" / "7.json"
    parsed.parent.mkdir(parents=True, exist_ok=True)
    # As scraped: no space between two paragraphs, no-break spaces inside the quotation marks.
    scraped = article.replace("« ", "«\N{NO-BREAK SPACE}")
    parsed.write_text(
        json.dumps({"title": "Larnay", "article": f"Rien ne filtre.{scraped}À suivre."}), encoding="utf-8"
    )
    speeches = folder / "europarl.fr.txt.xz"
    with lzma.open(speeches, "wt", encoding="utf-8") as file:
        file.write(f"Débat (suite et fin)\nMonsieur le Président, merci. {SPEECH} Je voterai pour.\n")
    return {"UD_French-GSD": [conllu.parent], "OrangeSum": [parsed.parents[1]], "Europarl": [speeches]}


def arguments(given: dict[str, list[Path]]) -> list[str]:
    return [part for name, paths in given.items() for path in paths for part in ("--source", f"{name}={path}")]


def test_labels_joined_with_the_corpora_give_the_labelled_file_back(labelled: Path, tmp_path: Path) -> None:
    outcomes = join(sources(tmp_path), tmp_path / "joined", labels=tmp_path / "labels")

    assert {outcome.corpus: outcome.found for outcome in outcomes} == {
        "UD_French-GSD": 1,
        "OrangeSum": 1,
        "Europarl": 2,
    }
    joined = tmp_path / "joined" / "train.jsonl"
    assert [json.loads(line) for line in joined.read_text(encoding="utf-8").splitlines()] == ROWS
    assert read_labelled(joined) == read_labelled(labelled)


def test_cues_still_name_the_deciding_words(labelled: Path, tmp_path: Path) -> None:
    join(sources(tmp_path), tmp_path, labels=tmp_path / "labels")

    words = [[s.text[start:end] for start, end in s.cues or ()] for s in read_labelled(tmp_path / "train.jsonl")]
    assert words == [["n'a jamais"], ["aurait"], ["À mon avis"], []]


@pytest.mark.parametrize(
    ("changed", "id"),
    [
        ({"treebank": TREEBANK.replace("jamais", "pas")}, "gsd:fr-ud-dev_90001"),
        ({"article": ARTICLE.replace("accord", "arrêt")}, "orangesum-7#2"),
    ],
)
def test_a_changed_sentence_fails_its_digest_check_by_name(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], id: str
) -> None:
    given = arguments(sources(tmp_path, **changed))
    status = main([*given, "--labels", str(tmp_path / "labels"), "--output", str(tmp_path / "joined")])

    assert status == 1
    assert f"Digest check failed, as the source has a different text: {id}\n" in capsys.readouterr().out
    found = [sentence.id for sentence in read_labelled(tmp_path / "joined" / "train.jsonl")]
    assert found == [row["id"] for row in ROWS if row["id"] != id]


def test_a_missing_source_is_a_warning_with_counts_and_ids(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = sources(tmp_path)
    del given["Europarl"]
    options = ["--labels", str(tmp_path / "labels"), "--output", str(tmp_path / "joined")]

    assert main([*arguments(given), *options]) == 0
    out = capsys.readouterr().out
    assert re.search(r"train +Europarl +2 +0 +0 +2 +no source given", out)
    assert "2 sentences are missing." in out
    assert "europarl#5" not in out

    assert main([*arguments(given), *options, "--verbose"]) == 0
    assert "2 sentences are missing: europarl#5, europarl#6" in capsys.readouterr().out


def test_a_sentence_absent_from_a_nameless_text_is_missing_not_changed(labelled: Path, tmp_path: Path) -> None:
    text = tmp_path / "speeches.txt"
    text.write_text("Débat\nMerci.\n", encoding="utf-8")
    outcomes = join({"Europarl": [text]}, tmp_path / "joined", labels=tmp_path / "labels")

    europarl = next(outcome for outcome in outcomes if outcome.corpus == "Europarl")
    assert (europarl.found, europarl.changed, europarl.missing) == (1, (), ("europarl#5",))


@pytest.mark.parametrize("layout", ["lines", "array"])
def test_json_articles_are_known_by_their_id(labelled: Path, tmp_path: Path, layout: str) -> None:
    articles = [{"id": 6, "text": "Autre sujet."}, {"id": 7, "body": {"paragraphs": ["Vu.", ARTICLE]}}]
    file = tmp_path / "articles.jsonl"
    lines = [json.dumps(article) for article in articles] if layout == "lines" else [json.dumps(articles, indent=1)]
    file.write_text("\n".join(lines), encoding="utf-8")

    outcomes = join({"OrangeSum": [file]}, tmp_path / "joined", labels=tmp_path / "labels")
    assert [outcome.found for outcome in outcomes if outcome.corpus == "OrangeSum"] == [1]


def test_a_failed_write_leaves_nothing(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(CertaintyError, match=r"train\.jsonl: cannot be written \(No space left"):
        join(sources(tmp_path), tmp_path / "joined", labels=tmp_path / "labels")
    assert list((tmp_path / "joined").iterdir()) == []


def test_the_same_labels_give_the_same_file_without_text(labelled: Path, tmp_path: Path) -> None:
    first, second = (write_labels([labelled], tmp_path / name)[0].read_bytes() for name in ("a", "b"))

    assert first == second
    content = gzip.decompress(first).decode()
    assert not [word for row in ROWS for word in row["text"].split() if len(word) > 4 and word in content]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "orangesum-7#2"}, "line 5: id 'orangesum-7#2' is used twice"),
        ({"corpus": None}, "line 5: corpus is None"),
        ({"text": "Deux  espaces."}, "line 5: text has white space other than"),
        ({"label": "certain"}, "line 5: label: unknown label 'certain'"),
    ],
)
def test_rows_that_could_not_be_joined_are_refused(
    labelled: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with labelled.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row("europarl#9", "Europarl", "Il pleut.", "asserted") | change) + "\n")
    with pytest.raises(CertaintyError, match=message):
        write_labels([labelled], tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("Orangesum=x", "unknown corpus 'Orangesum'. Did you mean 'OrangeSum'?"),
        ("OrangeSum", "--source OrangeSum: write NAME=PATH."),
        ("OrangeSum=nowhere", "nowhere: cannot be read"),
    ],
)
def test_a_mistake_on_the_command_line_is_explained(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], argument: str, message: str
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["--source", argument, "--labels", str(tmp_path / "labels"), "--output", str(tmp_path)])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("split", "rows", "annotators"),
    [
        ("train", 24217, {1}),
        ("train_hard", 10396, {1, 2}),
        ("train_constructions", 5368, {1}),
        ("train_active", 31700, {1, 2, 3}),
        ("train_active_more", 21102, {1}),
        ("train_acts", 5500, {1}),
        ("train_natural", 17752, {1}),
        ("train_natural_more", 21600, {1}),
        ("train_natural_further", 18000, {1}),
        ("dev", 2155, {1}),
        ("dev_natural", 1515, {1}),
        ("dev_natural_again", 1515, {1}),
        ("test", 1403, {2}),
    ],
)
def test_published_labels_are_well_formed_and_hold_no_text(split: str, rows: int, annotators: set[int]) -> None:
    file = LABELS / f"{split}.jsonl.gz"
    fields = [field.name for field in dataclasses.fields(StandoffLabel)]
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        assert all([f for f in json.loads(line) if f not in OPTIONAL] == fields[: -len(OPTIONAL)] for line in lines)

    labels = read_labels(file)
    assert len({label.id for label in labels}) == len(labels) == rows
    for label in labels:
        assert label.claim == (label.label is not None)
        assert {label.label, label.second} <= {*CLAIM_LABELS, None}
        assert isinstance(label.attributed, bool)
        assert all(0 <= start < end <= label.length for start, end in label.cues or ())
        assert label.annotators in annotators
        assert re.fullmatch(r"[\w:.#-]+", label.id) and re.fullmatch(r"[\w-]+", label.corpus)
        assert re.fullmatch(r"[0-9a-f]{64}", label.sha256) and 0 <= label.opening < 2**16


def test_no_sentence_is_in_two_splits() -> None:
    splits: dict[str, set[str]] = {}
    for file in sorted(LABELS.glob("*.jsonl.gz")):  # train has seven files, of which two share a few sentences
        split = re.sub("(?<=^train)_.*|_again$", "", file.name.split(".")[0])
        splits.setdefault(split, set()).update(label.sha256 for label in read_labels(file))
    assert sorted(splits) == ["dev", "dev_natural", "test", "train"]
    assert Counter(digest for split in splits.values() for digest in split).most_common(1)[0][1] == 1


def test_sources_are_spans_of_attributed_sentences() -> None:
    lengths = {(file.name.split(".")[0], s.id): s.length for file in LABELS.glob("*.gz") for s in read_labels(file)}
    sources = read_sources(SOURCES)
    assert len(sources) == 33659
    for key, spans in sources.items():
        assert all(0 <= start < end <= lengths[key] for start, end in spans)


@pytest.mark.parametrize(("name", "quadruples", "held_out"), [("tiny", 16, False), ("tiny_dev", 6, True)])
def test_fixtures_are_whole_quadruples_of_their_side_of_the_split(name: str, quadruples: int, held_out: bool) -> None:
    sentences = read_labelled(DATA / f"{name}.jsonl")
    contrast = {(s.text, s.label, s.group) for s in read_labelled(LABELS.parent / "contrast.jsonl")}
    claims = {(s.text, s.label, s.group) for s in sentences if s.claim and s.group is not None}

    assert claims <= contrast
    groups = Counter(group for _, _, group in claims)
    assert len(groups) == quadruples and set(groups.values()) == {4}
    assert all((group % 5 == 0) == held_out for group in groups if group is not None)
    assert sum(not s.claim for s in sentences) == 6


AUTHORED = {"contrast", "contrast_more", "contrast_hard", "grammar", "grammar_more", "nuances", "rare_wordings"}
AUTHORED |= {"elliptical", "telegraphic"}


@pytest.mark.parametrize(
    ("name", "sentences", "groups"),
    [
        *(("grammar", 3182, 898), ("grammar_more", 2470, 722), ("nuances", 2393, 600), ("rare_wordings", 4552, 1140)),
        *(("elliptical", 1092, 224), ("telegraphic", 1674, 336)),
    ],
)
def test_authored_grammar_is_in_whole_groups_with_words_that_are_there(name: str, sentences: int, groups: int) -> None:
    path = LABELS.parent / f"{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(read_labelled(path)) == len(rows) == sentences
    sizes = Counter(row["quad"] for row in rows)
    assert len(sizes) == groups and min(sizes.values()) >= 2
    other = {s.group for other in AUTHORED - {name} for s in authored(other)}
    assert not other & sizes.keys()
    for row in rows:
        assert bool(row["cues"]) == (row["label"] not in (None, "asserted")), row["id"]
        assert not row["sources"] or row["attributed"], row["id"]
        for start, end in [*row["cues"], *row["sources"]]:
            assert 0 <= start < end <= len(row["text"])


def test_long_sentences_have_a_short_twin_with_the_same_answer() -> None:
    rows = [json.loads(line) for line in (LABELS.parent / "long.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["text"] for row in rows}) == len(rows) == 120
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    assert len(groups) == 60
    for long, short in groups.values():
        assert len(long["text"].split()) >= 110 and 12 <= len(short["text"].split()) <= 25, long["id"]
        for field in ("label", "claim", "attributed", "attributed_sure", "kind"):
            assert long[field] == short[field], (long["id"], field)
        assert deciding_words(long) == deciding_words(short), long["id"]
        assert bool(long["cues"]) == (long["label"] != "asserted"), long["id"]
    by_place = Counter((long["construction"], long["label"]) for long, _ in groups.values())
    assert len(by_place) == 12 and set(by_place.values()) == {5}


def test_sentences_without_a_verb_are_judgements_news_and_headings() -> None:
    rows = [json.loads(line) for line in (LABELS.parent / "verbless.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["text"] for row in rows}) == len(rows) == 104
    answers = {"heading": {None}, "verbless judgement": {"personal_opinion"}}
    answers["verbless claim"] = {"asserted", "probable", "denied"}
    for construction, labels in answers.items():
        assert {row["label"] for row in rows if row["construction"] == construction} == labels
    trained_on = {s.text for name in AUTHORED for s in authored(name)}
    assert not trained_on & {row["text"] for row in rows}


def deciding_words(row: dict[str, Any]) -> list[str]:
    return [row["text"][start:end] for start, end in row["cues"]]


def authored(name: str) -> list[LabelledSentence]:
    return read_labelled(LABELS.parent / f"{name}.jsonl")
