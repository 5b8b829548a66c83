"""The result of scoring: a `Document`, which is a sequence of `SentenceScore` objects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

from certainty.errors import CertaintyError
from certainty.labels import Label
from certainty.messages import counted
from certainty.model_info import ModelInfo
from certainty.sentence_score import Cue, SentenceScore, Source, checked_probability, shortened

if TYPE_CHECKING:
    import pandas

__all__ = ["Cue", "Document", "SentenceScore", "Source", "checked_probability"]


@dataclass(frozen=True, slots=True, repr=False)
class Document(Sequence[SentenceScore]):
    """The scored sentences of one text, in order. A slice of a document is a document of the same text.

    `print(document)` shows a plain table; a notebook shows the text in colour.

    Attributes:
        text: The given text.
        sentences: Its scored sentences.
        model: Which model scored them; None if that is not known. Two documents may be equal without the same model.
    """

    text: str
    sentences: tuple[SentenceScore, ...]
    model: ModelInfo | None = field(default=None, compare=False)

    @overload
    def __getitem__(self, index: int) -> SentenceScore: ...
    @overload
    def __getitem__(self, index: slice) -> Document: ...
    def __getitem__(self, index: int | slice) -> SentenceScore | Document:
        if not isinstance(index, slice):
            try:
                return self.sentences[index]
            except IndexError:
                raise IndexError(
                    f"there is no sentence {index}; the document has {counted(len(self), 'sentence')}."
                ) from None
        if index.step is not None and index.step < 0:
            raise CertaintyError(
                "a document keeps the order of its text, so a slice cannot have a negative step; use "
                "reversed(document) to iterate backwards."
            )
        return replace(self, sentences=self.sentences[index])

    def __len__(self) -> int:
        return len(self.sentences)

    def __iter__(self) -> Iterator[SentenceScore]:
        return iter(self.sentences)

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {label.value}" for label, n in self.counts().items() if n)
        return (
            f"<Document {shortened(self.text)!r}: {counted(len(self), 'sentence')}{f' ({counts})' if counts else ''}>"
        )

    def __str__(self) -> str:
        from certainty.views.plain import plain_table

        return plain_table(self)

    def counts(self) -> dict[Label, int]:
        """Return the number of sentences with each label, including `no_claim`; the counts sum to `len(document)`."""
        found = Counter(sentence.label for sentence in self)
        return {label: found[label] for label in Label}

    def filter(
        self,
        label: Label | str | Iterable[Label | str] | None = None,
        min_probability: float | None = None,
        attributed: bool | None = None,
        claims_only: bool = False,
    ) -> Document:
        """Return a document of the same text with only the sentences that meet all conditions.

        Offsets still point into the text, and all views work; they show the rest of the text without labels.

        Args:
            label: The label or labels to keep; "no_claim" keeps sentences that make no claim. None keeps all.
            min_probability: Minimum probability of the label, in [0, 1]. None keeps all.
            attributed: True keeps sentences that are attributed to a source, False those that are not. None keeps all.
                Where the model cannot tell, a sentence is neither.
            claims_only: If True, drop sentences whose label is `no_claim`.

        Raises:
            CertaintyError: If a label is unknown, or another value is not allowed. The message says what is allowed.
        """
        if label is None:
            labels = set(Label)
        elif isinstance(label, str) or not isinstance(label, Iterable):
            labels = {Label.parse(label)}
        else:
            labels = {Label.parse(name) for name in label}
        least = 0.0 if min_probability is None else checked_probability(min_probability, "min_probability")
        if attributed not in (None, True, False):
            raise CertaintyError(f"attributed is {attributed!r}; give True, False, or None for all.")
        if claims_only not in (True, False):
            raise CertaintyError(f"claims_only is {claims_only!r}; give True or False.")
        return replace(
            self,
            sentences=tuple(
                s
                for s in self
                if s.label in labels
                and s.probability >= least
                and (attributed is None or s.attributed == attributed)
                and (s.label is not Label.NO_CLAIM or not claims_only)
            ),
        )

    def sources(self) -> dict[str, Document]:
        """Return the claims of each named source as a document, in the order in which the sources appear.

        Sources are the same if their words are, apart from capitals and spacing; the key has the words as they first
        appear. Pronouns are not resolved: "elle" is a source of its own, even if it stands for several people.
        """
        names: dict[str, str] = {}
        claims: dict[str, list[SentenceScore]] = {}
        for sentence in self:
            if sentence.source:
                words = " ".join(sentence.source.text.replace("’", "'").split())
                name = names.setdefault(words.casefold(), " ".join(sentence.source.text.split()))
                claims.setdefault(name, []).append(sentence)
        return {name: replace(self, sentences=tuple(sentences)) for name, sentences in claims.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the document as `{"text": …, "model": {"name": …, …}, "sentences": [SentenceScore.to_dict(), …]}`.

        If the model is not known, there is no `model`.
        """
        model = {} if self.model is None else {"model": self.model.to_dict()}
        return {"text": self.text, **model, "sentences": [sentence.to_dict() for sentence in self]}

    def to_json(self, indent: int | None = None) -> str:
        """Return the result of `to_dict` as a JSON string.

        If the text has a lone surrogate, all characters beyond ASCII are escaped.
        """
        result = json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
        if not result.isascii():
            try:
                result.encode()
            except UnicodeEncodeError:
                return json.dumps(self.to_dict(), indent=indent)
        return result

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Document:
        """Read a record written by `to_dict`, `certainty score --format json` or the server; ignore unknown members.

        Raises:
            CertaintyError: If the record is not of this form. The message names the sentence and the member.
        """
        if not isinstance(record, Mapping) or not {"text", "sentences"} <= set(record):
            raise CertaintyError(
                f"expected a scored document, found {_described(record)}; give an object with `text` and `sentences`."
            )
        text, sentences = record["text"], record["sentences"]
        if not isinstance(text, str) or not isinstance(sentences, Sequence) or isinstance(sentences, str):
            raise CertaintyError("`text` must be a string and `sentences` a list; give the output of `to_dict`.")
        model = None if record.get("model") is None else ModelInfo.from_dict(record["model"])
        return cls(text, tuple(_read_sentences(text, sentences)), model)

    @classmethod
    def from_json(cls, content: str | bytes) -> Document:
        """Read the JSON of a single text, written by `to_json`, `certainty score --format json` or the server.

        Raises:
            CertaintyError: If `content` is not JSON, or not a scored document; see `from_dict`.
        """
        if not isinstance(content, (str, bytes, bytearray)):
            raise CertaintyError(f"content is a {type(content).__name__}; give the string that `to_json` returns.")
        try:
            record = json.loads(content)
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
                raise CertaintyError(
                    "several JSON values, as in JSON Lines, are no document; give the JSON of one text, such as "
                    "`certainty score --format json` writes."
                ) from None
            raise CertaintyError(f"not a JSON document ({error}); give the output of `to_json`.") from None
        return cls.from_dict(record)

    def to_html(self, min_confidence: float | None = None, title: str | None = None, lang: str | None = None) -> str:
        """Return a self-contained HTML page: sentences coloured by label, cues underlined, filters and export.

        Args:
            min_confidence: Claims whose label is less probable are shown as undecided; None shows all labels.
            title: Its heading, such as the headline of the article.
            lang: Language of the page's own words, "en" or "fr"; None follows the reader's browser, with a switch.

        Raises:
            CertaintyError: If `min_confidence` is not between 0 and 1, the title is not a string, or there is no such
                language.
        """
        from certainty.views.html import render_page

        return render_page([self], min_confidence=min_confidence, title=title, lang=lang)

    def _repr_html_(self) -> str:
        from certainty.views.html import render_fragment

        return render_fragment(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return a DataFrame with one row per sentence: its attributes, and the probability of each label.

        Raises:
            MissingExtraError: If pandas is not installed (`pip install 'certainty-fr[pandas]'`).
        """
        from certainty.views.dataframe import to_dataframe

        return to_dataframe(self)


def _read_sentences(text: str, records: Sequence[object]) -> Iterator[SentenceScore]:
    done = 0
    for i, record in enumerate(records):
        try:
            sentence = SentenceScore.from_dict(record)
        except CertaintyError as error:
            raise CertaintyError(f"sentences[{i}]: {error}") from None
        whole = (sentence.start, sentence.end, sentence.text)
        for start, end, words in (whole, *sentence.cues, *sentence.second_cues, *filter(None, [sentence.source])):
            if not sentence.start <= start <= end <= sentence.end or text[start:end] != words:
                raise CertaintyError(f"sentences[{i}]: {words[:40]!r} is not at [{start}, {end}] of the text.")
        if sentence.start < done:
            raise CertaintyError(f"sentences[{i}] begins before the previous sentence ends; give them in order.")
        done = sentence.end
        yield sentence


def _described(record: object) -> str:
    if isinstance(record, Mapping):
        return f"an object with {', '.join(map(str, list(record)[:12])) or 'no members'}"
    return "a list (take its documents one by one)" if isinstance(record, list) else f"a {type(record).__name__}"
