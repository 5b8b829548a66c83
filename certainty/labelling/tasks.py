"""Create annotation tasks: sentences with the labels and the prediction that they already have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from certainty.cells import contrast_group
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines
from certainty.labelled import LabelledSentence, other_columns
from certainty.labelling.choices import needs_no_cues
from certainty.labelling.columns import COLUMNS, impartial, packed, plain_fields
from certainty.labels import Label
from certainty.results import SentenceScore
from certainty.sentences import split_sentences

_CHUNK = 1024  # tasks scored at a time
_ID_DIGITS = 16


@dataclass(frozen=True)
class Prediction:
    """The prediction of a model.

    Attributes:
        sentence: The sentence with the predicted label, cues and attribution.
        probability: Probability of the label.
        model: Name of the model.
    """

    sentence: LabelledSentence
    probability: float
    model: str


@dataclass(frozen=True)
class Task:
    """A sentence to label.

    Attributes:
        text: The sentence.
        id: Identifier, unique among the tasks.
        corpus: Where the sentence comes from, or "".
        group: See `LabelledSentence.group`.
        columns: The other columns of its row, such as `before` and `after`, the sentences beside it.
        labels: The labels it has, one for each annotator.
        prediction: What a model suggests, or None.
    """

    text: str
    id: str
    corpus: str = ""
    group: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[LabelledSentence, ...] = ()
    prediction: Prediction | None = None

    @property
    def details(self) -> dict[str, str | int]:
        """What a tool shows beside text and id: `corpus` and `group` where they are known, and the other columns."""
        known = {"corpus": self.corpus, "group": self.group, **plain_fields(self.columns)}
        return {name: value for name, value in known.items() if value not in ("", None)}

    @property
    def fields(self) -> dict[str, str | int]:
        """The details, and in the field `columns` what is read back, for tools with a single place for both."""
        return {**self.details, **({COLUMNS: packed(self.columns)} if self.columns else {})}

    @property
    def answers(self) -> tuple[LabelledSentence | None, ...]:
        """The labels, or the prediction if there are none, or a single None; for tools without predictions."""
        return self.labels or ((self.prediction.sentence,) if self.prediction else (None,))


def sentence_id(text: str, given: str = "") -> str:
    """Return the given identifier, or one derived from the text if it is empty."""
    return given or "s-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]


def tasks_of_rows(sentences: Iterable[LabelledSentence], blank: bool = False) -> list[Task]:
    """Return one task for each id, with the labels and the other columns of all its rows.

    If rows of one id differ in a column, the first that has it counts.

    Args:
        sentences: Labelled sentences; those without an id get one derived from their text.
        blank: Whether to leave out the labels, so that the sentences are labelled from scratch.

    Raises:
        CertaintyError: two rows have the same id but different texts.
    """
    tasks: dict[str, Task] = {}
    for sentence in sentences:
        name = sentence_id(sentence.text, sentence.id)
        task = tasks.get(name, Task(sentence.text, name, sentence.corpus, sentence.group))
        if task.text != sentence.text:
            raise CertaintyError(
                f"id {name!r} names two texts ({task.text[:40]!r}, {sentence.text[:40]!r}); give each text its own id."
            )
        labels = () if blank else (*task.labels, replace(sentence, id=name))
        tasks[name] = replace(task, labels=labels, columns={**impartial(sentence.columns), **task.columns})
    return list(tasks.values())


def tasks_of_texts(texts: Iterable[tuple[str, str]]) -> Iterator[Task]:
    """Yield one task for each distinct sentence in pairs of name and text."""
    seen: set[str] = set()
    for name, text in texts:
        sentences = [sentence.text for sentence in split_sentences(text)]
        for before, sentence, after in zip(["", *sentences], sentences, [*sentences[1:], ""], strict=False):
            identifier = sentence_id(sentence)
            if identifier not in seen:
                seen.add(identifier)
                beside = {place: other for place, other in (("before", before), ("after", after)) if other}
                yield Task(sentence, identifier, corpus=Path(name).name, columns=beside)


def read_tasks(paths: Sequence[Path], text_column: str = "text") -> Iterator[Task]:
    """Yield the tasks of JSONL files of unlabelled rows: a text, and `id`, `corpus`, `quad` and other columns.

    Args:
        paths: The files.
        text_column: Column that holds the texts.

    Raises:
        CertaintyError: a file cannot be read, a row has no text, or an id occurs twice.
    """
    seen: set[str] = set()
    for where, row in ((f"{p}, line {n}", row) for p in paths for n, row in read_json_lines(p)):
        text = row.get(text_column)
        if not isinstance(text, str) or not text.strip():
            raise CertaintyError(f"{where}: {text_column} is {text!r}; give the sentence or delete the row.")
        identifier = sentence_id(text, str(row.get("id") or ""))
        if identifier in seen:
            raise CertaintyError(f"{where}: id {identifier!r} is already used above; delete one of the two rows.")
        seen.add(identifier)
        columns = impartial(other_columns({name: value for name, value in row.items() if name != text_column}))
        group = contrast_group(row.get("quad"), f"{where}: quad")
        yield Task(text, identifier, corpus=str(row.get("corpus") or ""), group=group, columns=columns)


def predicted(tasks: Iterable[Task], classifier: CertaintyClassifier, model: str) -> Iterator[Task]:
    """Yield the tasks with the model's label, cues and attribution, scoring them in chunks."""
    remaining = iter(tasks)
    while chunk := list(islice(remaining, _CHUNK)):
        scores = classifier.score_sentences([task.text for task in chunk])
        for task, score in zip(chunk, scores, strict=True):
            yield replace(task, prediction=Prediction(_as_labelled(score, task), score.probability, model))


def _as_labelled(score: SentenceScore, task: Task) -> LabelledSentence:
    claim = score.label is not Label.NO_CLAIM
    cues = tuple((cue.start, cue.end) for cue in score.cues)
    return LabelledSentence(
        text=task.text,
        label=score.label if claim else None,
        attributed=score.attributed,
        claim=claim,
        cues=cues if cues or not claim or needs_no_cues(score.label) else None,
        id=task.id,
        corpus=task.corpus,
        group=task.group,
    )
