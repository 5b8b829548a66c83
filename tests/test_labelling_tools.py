"""Rows → an annotation tool's import format → what the tool gives back → rows."""

from __future__ import annotations

import json
import uuid
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from annotating import GIVES_BACK, export
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certainty import CertaintyError, Label
from certainty.cli import main
from certainty.commands.label.arguments import TOOLS
from certainty.labelled import LabelledSentence, read_labelled
from certainty.labelling.choices import CATEGORIES
from certainty.labelling.guideline import full_guideline, short_guideline
from certainty.labelling.rows import write_rows
from certainty.labelling.tools import tool
from certainty.labels import LABELS

TEXT = "Le pont aurait cédé. Elle n’est pas venue !\n« Je crois qu’il a tort »\n\nQui paiera ? 🙂 Rien n’est sûr."
ANNOTATORS = [str(uuid.UUID(int=n)) for n in range(1, 4)]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30).filter(
    str.strip
)


@st.composite
def labelled(draw: st.DrawFn) -> LabelledSentence:
    text = draw(texts)
    label = draw(st.none() | st.sampled_from(LABELS))
    edges = st.integers(0, len(text) - 1).flatmap(lambda a: st.tuples(st.just(a), st.integers(a + 1, len(text))))
    cues = tuple(sorted(draw(st.sets(edges, max_size=3))))
    return LabelledSentence(
        text=text,
        label=label,
        second=draw(st.none() | st.sampled_from(LABELS)),
        attributed=draw(st.none() | st.booleans()),
        claim=label is not None,
        # The guideline wants a cue for every label but these.
        cues=cues or (() if label in (None, Label.ASSERTED) else None),
        id="id",
        corpus=draw(st.sampled_from(["", "presse été"])),
        group=draw(st.none() | st.integers(0, 99)),
        annotator=draw(st.sampled_from(ANNOTATORS)),
    )


@st.composite
def rows(draw: st.DrawFn) -> list[LabelledSentence]:
    """Rows of which some share a sentence."""
    result = []
    for n, first in enumerate(draw(st.lists(labelled(), min_size=1, max_size=4))):
        result.append(replace(first, id=f"id-{n}"))
        if draw(st.booleans()):
            other = ANNOTATORS[(ANNOTATORS.index(first.annotator) + 1) % len(ANNOTATORS)]
            second = replace(first, label=Label.DENIED, claim=True, cues=None, annotator=other)
            result.append(replace(second, id=f"id-{n}"))
    return result


def key(sentence: LabelledSentence) -> tuple[str, str]:
    return sentence.id, sentence.annotator


@pytest.mark.parametrize("name", TOOLS)
@given(sentences=rows())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip_loses_nothing(name: str, tmp_path: Path, sentences: list[LabelledSentence]) -> None:
    path = tmp_path / "export"
    path.write_text(GIVES_BACK[name](export(name, sentences)), encoding="utf-8", newline="")
    found = tool(name).read(path)
    assert sorted(found.sentences, key=key) == sorted(sentences, key=key)
    assert not found.left_out()


@given(sentences=rows())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_rows_are_read_again(tmp_path: Path, sentences: list[LabelledSentence]) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("w", encoding="utf-8", newline="") as out:
        write_rows(sentences, out)
    unique = {(s.text, s.label, s.annotator) for s in sentences}
    assert [s for s in read_labelled(path) if s in sentences] == read_labelled(path)
    assert {(s.text, s.label, s.annotator) for s in read_labelled(path)} == unique


def test_prodigy_spans_run_from_token_to_token() -> None:
    text = "Il n’est  pas venu."
    sentence = LabelledSentence(text, Label.DENIED, cues=((3, 5), (4, 9), (8, 12)), id="a")
    (line,) = export("prodigy", [sentence]).splitlines()
    task = json.loads(line)
    tokens = task["tokens"]
    assert all(text[t["start"] : t["end"]] == t["text"] and t["id"] == n for n, t in enumerate(tokens))
    assert all(a["end"] <= b["start"] for a, b in pairwise(tokens))
    for span in task["spans"]:
        assert (tokens[span["token_start"]]["start"], tokens[span["token_end"]]["end"]) == (span["start"], span["end"])


def test_label_studio_config_has_every_answer_that_tasks_give() -> None:
    companions = tool("label-studio").companions("tasks.json")
    view = ET.fromstring(companions[".config.xml"])
    choices = {block.get("name"): [c.get("value") for c in block] for block in view.iter("Choices")}
    assert choices["label"] == list(CATEGORIES)
    assert choices["attribution"] == ["attributed", "not_attributed"]
    assert choices["second"] == [label.value for label in LABELS]
    assert [label.get("value") for label in view.iter("Label")] == ["cue"]
    assert {block.get("toName") for block in [*view.iter("Choices"), *view.iter("Labels")]} == {"text"}


def test_argilla_takes_settings_and_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argilla = pytest.importorskip("argilla", reason="argilla is not installed")
    from argilla.records._io import JsonIO

    monkeypatch.setattr(argilla.Argilla, "_get_default", MagicMock())  # there is no server
    (tmp_path / "settings.json").write_text(tool("argilla").companions("x")[".settings.json"], encoding="utf-8")
    made = argilla.Settings.from_json(tmp_path / "settings.json")
    assert [question.name for question in made.questions] == ["label", "attribution", "second", "cues"]
    sentence = LabelledSentence("Il aurait fui.", Label.PROBABLE, cues=((3, 9),), id="a", annotator=ANNOTATORS[0])
    (tmp_path / "records.json").write_text(export("argilla", [sentence]), encoding="utf-8")
    (record,) = JsonIO._records_from_json(tmp_path / "records.json")
    assert {r.question_name: r.value for r in record.responses}["label"] == "probable"


def test_prodigy_recipe_is_python_that_names_the_guideline() -> None:
    companions = tool("prodigy").companions("it's.jsonl")
    compile(companions[".recipe.py"], "recipe", "exec")
    assert repr("it's.jsonl.guideline.html") in companions[".recipe.py"]
    assert "&lt;" not in short_guideline() and "<pre" in companions[".guideline.html"]


def test_guideline_is_that_of_the_training_data() -> None:
    repository = Path(__file__).parents[1] / "training" / "data" / "GUIDELINE.md"
    assert full_guideline() == repository.read_text(encoding="utf-8")
    assert all(f"`{name}`" in short_guideline() for name in CATEGORIES)


# ---- The command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("name", TOOLS)
def test_texts_go_out_with_predictions_in_the_tools_own_way(
    name: str, article: Path, tmp_path: Path, tiny_model: Path
) -> None:
    output = tmp_path / "tasks"
    arguments = ["label", "export", article, "--text", "--predict", "--model", tiny_model, "--to", name, "-o", output]
    assert main([str(a) for a in arguments]) == 0
    content = output.read_text(encoding="utf-8")
    if name == "label-studio":
        tasks = json.loads(content)
        assert all(not task["annotations"] and task["predictions"][0]["model_version"] == "tiny" for task in tasks)
        texts = [task["data"]["text"] for task in tasks]
    elif name == "argilla":
        tasks = json.loads(content)
        assert all(not t["responses"] and t["suggestions"]["label"]["value"] in CATEGORIES for t in tasks)
        texts = [task["fields"]["text"] for task in tasks]
    else:
        tasks = [json.loads(line) for line in content.splitlines()]
        assert all(task["cats" if name == "doccano" else "accept"][0] in CATEGORIES for task in tasks)
        assert all("answer" not in task for task in tasks)
        texts = [task["text"] for task in tasks]
    assert len(texts) == 5
    assert all(text in TEXT for text in texts)
    assert len(list(tmp_path.glob("tasks.*"))) == len(tool(name).companions("tasks"))


def test_labelled_rows_go_out_and_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("text,label,claim,quad\nIl pleut.,asserted,,3\nQui vient ?,,false,\n", encoding="utf-8")
    output, back = tmp_path / "tasks.json", tmp_path / "back.jsonl"
    assert main(["label", "export", str(source), "--to", "label-studio", "-o", str(output)]) == 0
    assert main(["label", "import", str(output), "--from", "label-studio", "--annotator", "zoé", "-o", str(back)]) == 0
    first, second = read_labelled(back)
    assert (first.text, first.label, first.group, first.annotator) == ("Il pleut.", Label.ASSERTED, 3, "zoé")
    assert (second.claim, second.label) == (False, None)
    assert first.id.startswith("s-") and first.id != second.id
    assert "tasks.json.config.xml" in capsys.readouterr().err


def test_a_named_column_of_labels_that_no_row_has_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, tasks = tmp_path / "rows.jsonl", tmp_path / "tasks.jsonl"
    source.write_text('{"text": "Il pleut.", "classe": "asserted"}\n', encoding="utf-8")
    words = ["label", "export", str(source), "--to", "doccano", "-o", str(tasks)]
    assert main([*words, "--label-column", "clase"]) == 2
    told = "rows.jsonl: no column 'clase'. Found: classe, text. Give --label-column, or rename the column that has it"
    assert told in capsys.readouterr().err and not tasks.exists()
    assert main([*words, "--label-column", "classe"]) == 0
    assert "asserted" in json.loads(tasks.read_text(encoding="utf-8"))["cats"]
    assert main(words) == 0, "rows without labels are labelled in the tool"


def test_blank_tasks_have_no_labels_and_are_not_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"text": "Il pleut.", "label": "asserted", "id": "a"}\n', encoding="utf-8")
    for name in TOOLS:
        output = tmp_path / f"{name}.tasks"
        assert main(["label", "export", str(source), "--to", name, "--blank", "-o", str(output)]) == 0
        assert "not_attributed" not in output.read_text(encoding="utf-8").replace('"id": "not_attributed"', "")
        assert main(["label", "import", str(output), "--from", name, "-o", str(tmp_path / "back.jsonl")]) == 2
        assert "no label in it (not labelled yet: 1)" in capsys.readouterr().err
    assert not (tmp_path / "back.jsonl").exists()


def test_label_studio_gives_a_row_for_each_annotator(tmp_path: Path) -> None:
    def annotation(label: str, **who: Any) -> dict[str, Any]:
        return {"result": [{"from_name": "label", "type": "choices", "value": {"choices": [label]}}], **who}

    answers = [
        annotation("denied", completed_by=3),
        annotation("probable", completed_by={"id": 4, "email": "zoe@presse.fr"}),
        annotation("asserted", completed_by=5, was_cancelled=True),
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"id": 8, "data": {"text": "Il pleut."}, "annotations": answers}]))
    found = tool("label-studio").read(path)
    assert found.left_out() == "skipped or rejected: 1"
    assert [(s.id, s.annotator, s.label) for s in found.sentences] == [
        ("8", "3", Label.DENIED),
        ("8", "zoe@presse.fr", Label.PROBABLE),
    ]


def test_doccano_projects_of_one_kind_are_read(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text('{"id": 4, "text": "Il pleut.", "label": ["asserted"]}\n{"id": 5, "text": "x", "label": []}\n')
    found = tool("doccano").read(path)
    assert [(s.id, s.label, found.left_out()) for s in found.sentences] == [
        ("4", Label.ASSERTED, "not labelled yet: 1")
    ]


def studio(*results: dict[str, Any]) -> str:
    return json.dumps([{"id": 9, "data": {"text": "Il pleut."}, "annotations": [{"id": 2, "result": list(results)}]}])


def choice(*values: str, name: str = "label") -> dict[str, Any]:
    return {"from_name": name, "value": {"choices": list(values)}}


def mark(start: Any, end: Any, text: str = "pleut") -> dict[str, Any]:
    return {"from_name": "cues", "value": {"start": start, "end": end, "text": text, "labels": ["cue"]}}


def argilla_record(**answers: Any) -> str:
    responses = {name: [{"value": value, "user_id": "u1"}] for name, value in answers.items()}
    return json.dumps([{"id": "r1", "fields": {"text": "Il pleut."}, "responses": responses}])


def prodigy_task(**values: Any) -> str:
    return json.dumps({"text": "Il pleut.", "answer": "accept", **values})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("label-studio", studio(), r"task 9, annotation 2: no label chosen; choose one"),
        (
            "label-studio",
            studio(choice("denid")),
            r"task 9, .* unknown label 'denid'. Did you mean 'denied'.*no_claim\.",
        ),
        ("label-studio", studio(choice("denied", "asserted")), r"label: 2 choices \(denied, asserted\); keep one"),
        ("label-studio", studio(choice("denied"), choice("asserted")), r"label: 2 choices"),
        (
            "label-studio",
            studio(choice("denied"), choice("yes", name="attribution")),
            r"attribution is 'yes'\. Allowed",
        ),
        ("label-studio", studio(choice("denied"), choice("no", name="second")), r"second label: unknown label 'no'"),
        ("label-studio", studio(choice("denied"), mark(3, 40)), r"\[3, 40\] lies outside the text of 9 characters"),
        ("label-studio", studio(choice("denied"), mark(3.5, 8)), r"\[3\.5, 8\]; both must be whole numbers"),
        ("label-studio", studio(choice("denied"), mark(4, 9)), r"is 'leut\.' in the text, but 'pleut' was marked"),
        ("label-studio", studio(choice("x", name="mood")), r"answers 'mood', but not 'label'; use the configuration"),
        (
            "label-studio",
            '[{"id": 1, "text": "Il pleut."}]',
            r"task 1: has neither `annotations` .* JSON-MIN",
        ),
        ("label-studio", '[{"data": {}, "annotations": [3]}]', r"annotation: expected an object, found 3"),
        ("label-studio", '{"a": 1}', r"expected a JSON list of objects"),
        ("label-studio", "[", r"not JSON"),
        ("doccano", '{"text": "Il pleut.", "cats": ["attributed"]}', r"line 1: no label chosen"),
        ("doccano", '{"text": "Il pleut.", "cats": ["denied", "probable"]}', r"line 1: label: 2 choices"),
        ("doccano", '{"text": "x"}', r"line 1: needs `text` and `cats`"),
        ("doccano", '{"text": "x", "cats": "denied"}', r"line 1: cats: expected a list, found 'denied'"),
        ("doccano", '{"text": "x", "cats": ["denied"], "entities": [[0, 5, "cue"]]}', r"\[0, 5\] lies outside"),
        (
            "doccano",
            '{"text": "x", "cats": ["denied"], "entities": [[0, 1, "PER"]]}',
            r"expected \[start, end, 'cue'\]",
        ),
        ("doccano", '\n{"text": "x", "cats": ["denied"], "group": "b"}', r"line 2: group is 'b'; .* whole number"),
        ("doccano", '{"text": " ", "cats": ["denied"]}', r"text is ' '"),
        ("argilla", argilla_record(attribution="attributed"), r"record r1, annotator u1: no label chosen"),
        ("argilla", argilla_record(label="nope"), r"record r1, annotator u1: label: unknown label 'nope'"),
        ("argilla", argilla_record(label="denied", cues=[{"start": 0}]), r"expected start, end and the label 'cue'"),
        ("argilla", argilla_record(mood="denied"), r"answers 'mood', but not 'label'; use the settings"),
        ("prodigy", prodigy_task(), r"line 1: no label chosen"),
        ("prodigy", prodigy_task(accept=["asserted", "denied"]), r"line 1: label: 2 choices"),
        ("prodigy", prodigy_task(accept=["denied", "attributed", "not_attributed"]), r"attribution: 2 choices"),
        ("prodigy", prodigy_task(accept=["denied"], spans=[{"start": 4, "end": 4, "label": "cue"}]), r"\[4, 4\] lies"),
        ("prodigy", '{"accept": []}', r"line 1: a Prodigy task has `text`"),
        ("prodigy", "nonsense", r"line 1: not a JSON object"),
        ("prodigy", "PK\x03\x04...", r"is a zip archive; unpack it"),
    ],
)
def test_mistakes_name_place_value_and_mend(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / "export"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CertaintyError, match=message):
        found = tool(name).read(path)
        assert not found.sentences
        raise CertaintyError(*found.problems)


# ---- What tools really gave back -------------------------------------------------------------------------------------

REAL = Path(__file__).parent / "data" / "annotation_tools"


@pytest.mark.parametrize("name", ["label_studio.json", "label_studio_min.json", "label_studio.csv"])
def test_exports_of_a_label_studio_server(name: str) -> None:
    found = tool("label-studio").read(REAL / name)
    first, second = found.sentences
    assert (first.id, first.label, first.attributed, first.cues) == ("q-1", Label.PROBABLE, False, ((23, 29),))
    assert (second.id, second.label, second.second) == ("q-2", Label.PERSONAL_OPINION, Label.ASSERTED)
    assert (first.annotator, first.corpus) == ("1", "essai")
    assert found.left["predictions that nobody reviewed"] == 1 and "--reviewed" in found.notes[0]
    (problem,) = found.problems
    assert name in problem and "no label chosen" in problem
    assert [s.id for s in tool("label-studio").read(REAL / name, reviewed=True).sentences] == ["q-1", "q-2", "q-4"]


def test_exports_of_a_doccano_server() -> None:
    found = tool("doccano").read(REAL / "doccano_all.zip")
    assert [(s.id, s.label, s.annotator) for s in found.sentences] == [("q-2", Label.DENIED, "")]
    assert found.left_out() == "predictions that nobody reviewed: 3"
    found = tool("doccano").read(REAL / "doccano_approved.zip", reviewed=True)
    assert [(s.id, s.label, s.annotator) for s in found.sentences] == [
        ("q-1", Label.PROBABLE, "admin"),
        ("q-2", Label.DENIED, "admin"),
    ]


def test_doccano_tasks_with_predictions_are_no_labels(
    article: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks, back = tmp_path / "tasks.jsonl", tmp_path / "rows.jsonl"
    assert main(["label", "export", str(article), "--text", "--predict", "--to", "doccano", "-o", str(tasks)]) == 0
    assert tasks.read_bytes().isascii()
    assert main(["label", "import", str(tasks), "--from", "doccano", "-o", str(back)]) == 2
    said = capsys.readouterr().err
    assert "predictions that nobody reviewed: 5" in said and "--reviewed" in said and not back.exists()


def test_comments_and_relations_are_left_alone(tmp_path: Path) -> None:
    comment = {"from_name": "comment", "type": "textarea", "value": {"text": ["à revoir"]}}
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    path = tmp_path / "export.json"
    path.write_text(studio(choice("denied"), comment, relation))
    assert [s.label for s in tool("label-studio").read(path).sentences] == [Label.DENIED]
    path.write_text(
        '{"id": 1, "text": "Il ment.", "cats": ["denied"], "relations": [], '
        '"entities": [{"id": 5, "label": "cue", "start_offset": 3, "end_offset": 7}]}'
    )
    assert [s.cues for s in tool("doccano").read(path).sentences] == [((3, 7),)]


def test_argilla_keeps_what_was_submitted(tmp_path: Path) -> None:
    def record(name: str, status: str | None, *answers: tuple[str, str, str | None]) -> dict[str, Any]:
        responses = [{"value": value, "user_id": user, **({"status": s} if s else {})} for user, value, s in answers]
        return {"id": name, "fields": {"text": "Il ment."}, "status": status, "responses": {"label": responses}}

    records = [
        record("a", "completed", ("u1", "denied", "submitted"), ("u2", "asserted", "draft"), ("u3", "x", "discarded")),
        record("b", "pending", ("u1", "asserted", None)),
        record("c", "completed", ("u1", "probable", None)),
        record("d", "completed", ("u1", "denied", None), ("u2", "asserted", None)),
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(records))
    found = tool("argilla").read(path)
    assert [(s.id, s.annotator) for s in found.sentences] == [("a", "u1"), ("c", "u1"), ("d", "u1"), ("d", "u2")]
    assert found.left_out() == "drafts: 2, skipped or rejected: 1"
    assert "3 answers do not say whether they were submitted" in found.notes[0]
    path.write_text(json.dumps([{"id": "a", "text": "Il ment.", "label.responses": ["denied"]}]))
    with pytest.raises(CertaintyError, match=r"record a: has no `fields`, so .* records\.to_json"):
        tool("argilla").read(path)


def test_argilla_export_script_is_python_and_writes_the_status() -> None:
    script = tool("argilla").companions("x")[".export.py"]
    scope: dict[str, Any] = {"__name__": "script"}
    exec(script, scope)
    response = MagicMock(question_name="label", value="denied", user_id=uuid.UUID(int=1))
    response.status.value = "draft"
    given = MagicMock(responses=[response])
    given.to_dict.return_value = {"id": "a", "responses": {}}
    (row,) = scope["export"]([given])
    assert row["responses"]["label"] == [{"value": "denied", "user_id": ANNOTATORS[0], "status": "draft"}]


def test_prodigy_rejected_and_ignored_tasks_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    answers = ["accept", "reject", "ignore", None]
    path.write_text("".join(prodigy_task(accept=["denied"], answer=answer) + "\n" for answer in answers))
    found = tool("prodigy").read(path)
    assert (len(found.sentences), found.left_out()) == (1, "skipped or rejected: 2, not labelled yet: 1")


def test_several_annotators_are_not_made_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = tmp_path / "export.jsonl", tmp_path / "rows.jsonl"
    path.write_text("".join(prodigy_task(accept=["denied"], _annotator_id=name) + "\n" for name in ("ana", "bo")))
    arguments = ["label", "import", str(path), "--from", "prodigy", "-o", str(output)]
    assert main([*arguments, "--annotator", "cy"]) == 2
    assert "labels of ana, bo; leave --annotator out" in capsys.readouterr().err and not output.exists()
    assert main(arguments) == 0
    assert [s.annotator for s in read_labelled(output)] == ["ana", "bo"]


def test_bad_tasks_are_left_out_and_all_named_and_strict_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "export.jsonl", tmp_path / "rows.jsonl"
    lines = ['"cats": ["denied"]', '"cats": ["denied", "probable"]', '"cats": ["denied"], "entities": [[0, 99, "cue"]]']
    path.write_text("".join(f'{{"text": "Il ment.", "id": {n}, {line}}}\n' for n, line in enumerate(lines)))
    arguments = ["label", "import", str(path), "--from", "doccano", "-o", str(output)]
    assert main([*arguments, "--strict"]) == 2
    said = capsys.readouterr().err
    assert "line 2: label: 2 choices" in said and "line 3: cue: [0, 99] lies outside" in said
    assert "2 answers break the rules" in said and not output.exists()
    assert main(arguments) == 0
    assert "1 labelled rows; left out: against the rules: 2." in capsys.readouterr().err
    assert len(read_labelled(output)) == 1


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CertaintyError, match="no such file"):
        tool("doccano").read(tmp_path / "none")
    with pytest.raises(CertaintyError, match="is a directory"):
        tool("doccano").read(tmp_path)
    (tmp_path / "latin").write_bytes('{"text": "été"}'.encode("latin-1"))
    with pytest.raises(CertaintyError, match="line 1: not UTF-8"):
        tool("doccano").read(tmp_path / "latin")


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (["--to", "doccano"], None, "give --text if it is raw text"),
        (["--to", "doccano", "--model", "x"], None, "--model is used with --predict only"),
        (["--to", "doccano", "--text"], "  \n", "is empty"),
        (["--to", "doccano", "--text"], "a\0\0b", "binary data"),
    ],
)
def test_wrong_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], content: str | None, message: str
) -> None:
    source, output = tmp_path / "a.txt", tmp_path / "out.jsonl"
    source.write_text(content or "Il pleut.")
    assert main(["label", "export", str(source), *arguments, "-o", str(output)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("name", ["label-studio", "doccano", "argilla", "prodigy"])
def test_neighbours_of_a_sentence_are_beside_the_task_and_not_in_its_text(tmp_path: Path, name: str) -> None:
    article, rows, labelled = tmp_path / "a.txt", tmp_path / "rows.jsonl", tmp_path / "labelled.jsonl"
    article.write_text("Il pleut. Il ment. Il part.")
    row = {"text": "Il ment.", "before": "Il pleut.", "after": "Il part."}
    rows.write_text(json.dumps(row))
    labelled.write_text(json.dumps({**row, "label": "denied"}))
    for source, text in ((article, ["--text"]), (rows, []), (labelled, [])):
        tasks = tmp_path / "tasks.jsonl"
        assert main(["label", "export", str(source), *text, "--to", name, "-o", str(tasks)]) == 0
        content = tasks.read_text()
        given = json.loads(content) if content.startswith("[") else [json.loads(line) for line in content.splitlines()]
        task = next(t for t in given if "Il ment." in (t.get("data") or t.get("fields") or t)["text"])
        kept = task.get("data") or task.get("metadata") or task.get("meta") or task
        assert (kept["before"], kept["after"]) == ("Il pleut.", "Il part.")


def test_one_id_names_one_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"id": 1, "text": "a", "label": "denied"}\n{"id": 1, "text": "b", "label": "denied"}\n')
    assert main(["label", "export", str(source), "--to", "doccano", "-o", str(tmp_path / "out")]) == 2
    assert "id '1' names two texts" in capsys.readouterr().err
    source.write_text('{"id": 1, "text": "a"}\n{"id": 1, "text": "b"}\n')
    assert main(["label", "export", str(source), "--to", "doccano", "-o", str(tmp_path / "out")]) == 2
    assert "line 2: id '1' is already used above" in capsys.readouterr().err


def test_argilla_shows_one_label_of_annotators_without_account(tmp_path: Path) -> None:
    a, b = (LabelledSentence("Il pleut.", Label.DENIED, id="a", annotator=name) for name in ("zoé", "marc"))
    assert json.loads(export("argilla", [a]))[0]["suggestions"]["label"]["agent"] == "zoé"
    with pytest.raises(CertaintyError, match=r"labels of 'zoé', 'marc'.*--blank"):
        export("argilla", [a, b])


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    export_file, back = tmp_path / "export.jsonl", tmp_path / "rows.jsonl"
    export_file.write_text('{"text": "Il \\ud83d pleut.", "cats": ["asserted"], "id": 1}\n', encoding="utf-8")
    assert main(["label", "import", str(export_file), "--from", "doccano", "-o", str(back)]) == 0
    assert [s.text for s in read_labelled(back)] == ["Il \ufffd pleut."]
