"""The spaCy component `certainty`: `nlp.add_pipe("certainty")`, then `doc._.certainty` and `span._.certainty`.

`doc.spans["certainty"]` contains the labelled sentences for displaCy: `displacy.render(doc, style="span",
options={"spans_key": "certainty"})`. `doc.spans["certainty_sources"]` contains the words that name the sources.

spaCy finds the component through the package's entry point `spacy_factories`, so nothing needs to be imported.
"""

# No `from __future__ import annotations` here: spaCy reads the types of `make_component` to check its settings.
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import certainty
from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.model_folder import find_model
from certainty.results import Cue, Document, SentenceScore, Source
from certainty.sentences import split_sentences

needs("spacy.pipeline", extra="spacy", user="certainty.spacy")
import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from spacy.util import minibatch

_SENTENCES = ("spacy", "certainty")
_DOCUMENT = "certainty.Document"
_SPANS = "certainty"  # the key in `doc.spans`
_SOURCES = "certainty_sources"
_META = "certainty"  # the key in `nlp.meta`


class CertaintyComponent(Pipe):
    """Pipeline component that scores the sentences of spaCy documents; see `make_component` for its settings.

    The model is opened by `open` or `from_disk`, or on the first document at the latest.
    """

    def __init__(
        self,
        name: str,
        model: str | None,
        sentences: str,
        engine: str,
        threads: int | None = None,
        device: str | None = None,
    ) -> None:
        if sentences not in _SENTENCES:
            raise CertaintyError(f"sentences is {sentences!r}. Allowed: 'spacy', 'certainty'.")
        self.name = name
        self._model: str | Path | None = model
        self._sentences, self._options = sentences, (engine, threads, device)
        self._classifier: CertaintyClassifier | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return CertaintyComponent, (self.name, self._model, self._sentences, *self._options)

    def __call__(self, doc: Doc) -> Doc:
        """Score the sentences of one document.

        Raises:
            CertaintyError: If the document has no sentence boundaries, or the model cannot be opened.
        """
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Score the sentences of many documents, `batch_size` documents at a time.

        Raises:
            CertaintyError: As for a single document, unless the pipeline has its own error handler.
        """
        for docs in map(list, minibatch(stream, size=batch_size)):
            try:
                self._annotate(docs)
            except Exception as error:  # the pipeline's handler decides; by default it raises again
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Copy the model to the pipeline's folder, unless it is the default model, which is part of the package."""
        if self._model is not None and find_model(self._model).resolve() != Path(path).resolve():
            self.open().save_pretrained(path)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "CertaintyComponent":
        """Open the copy of the model in the pipeline's folder, unless the component uses the default model."""
        if self._model is not None and Path(path).is_dir():
            self._model, self._classifier = Path(path), None
            self.open()
        return self

    def open(self) -> CertaintyClassifier:
        """Return the classifier, opening the model if it is not open yet.

        Raises:
            CertaintyError: If the model cannot be opened.
        """
        if self._classifier is None:
            self._classifier = certainty.load(self._model, *self._options)  # type: ignore[arg-type]  # load checks them
        return self._classifier

    def _annotate(self, docs: list[Doc]) -> None:
        if self._sentences == "certainty":
            for doc in docs:
                _set_sentence_starts(doc)
        places = [_sentence_places(doc) for doc in docs]
        texts = [text for of_doc in places for text, _ in of_doc]
        classifier = self.open()
        scores = iter(classifier.score_sentences(texts))
        for doc, of_doc in zip(docs, places, strict=True):
            sentences = tuple(_moved(next(scores), start) for _, start in of_doc)
            doc._.certainty = Document(doc.text, sentences, classifier.model)
            spans = (
                doc.char_span(s.start, s.end, label=s.label.value, alignment_mode="expand") for s in doc._.certainty
            )
            doc.spans[_SPANS] = [span for span in spans if span is not None]
            sources = (
                doc.char_span(s.source.start, s.source.end, label="source", alignment_mode="expand")
                for s in doc._.certainty
                if s.source
            )
            doc.spans[_SOURCES] = [span for span in sources if span is not None]


@Language.factory(
    "certainty",
    assigns=["doc._.certainty", "span._.certainty", "doc.spans"],
    default_config={"model": None, "sentences": "spacy", "engine": "auto", "threads": None, "device": None},
)
def make_component(
    nlp: Language,
    name: str,
    model: str | None,
    sentences: str,
    engine: str,
    threads: int | None,
    device: str | None,
) -> CertaintyComponent:
    """Make the component; spaCy calls this in `nlp.add_pipe("certainty", config={…})`.

    Args:
        nlp: The pipeline.
        name: Name of the component in the pipeline.
        model: Model folder, or `owner/name` on the Hugging Face hub. None is the model that ships with the package.
        sentences: "spacy" scores the sentences of the pipeline; "certainty" first sets the sentence boundaries, in the
            same way as `certainty.score`.
        engine: As for `certainty.load`.
        threads: The same; with `nlp.pipe(n_process=…)`, 1 is best.
        device: The same.

    Raises:
        CertaintyError: If `sentences` has another value, or the model cannot be opened.
    """
    component = CertaintyComponent(name, model, sentences, engine, threads, device)
    # A saved pipeline names the model that it was made with, which need not be there: `from_disk` opens the copy.
    made_with = nlp.meta.setdefault(_META, {})
    if model is None or made_with.get(name) != model:
        component.open()
        made_with[name] = model
    return component


def _set_sentence_starts(doc: Doc) -> None:
    if not len(doc):
        return
    if doc.has_annotation("DEP"):
        raise CertaintyError(
            "sentences is 'certainty', but a parser has already set the sentence boundaries: add certainty before the "
            "parser, or set sentences to 'spacy'."
        )
    spans = (doc.char_span(s.start, s.end, alignment_mode="expand") for s in split_sentences(doc.text))
    # White space before the first sentence does not count as a sentence.
    starts = {0, *(span.start for span in islice(spans, 1, None) if span)}
    for token in doc:
        token.is_sent_start = token.i in starts


def _sentence_places(doc: Doc) -> list[tuple[str, int]]:
    """Return the text and offset of each sentence, without surrounding white space; skip those with nothing else."""
    if not doc.has_annotation("SENT_START"):
        raise CertaintyError(
            "the document has no sentence boundaries: add a component that sets them before certainty, such as "
            'nlp.add_pipe("sentencizer", before="certainty"), or let certainty set them: '
            'nlp.add_pipe("certainty", config={"sentences": "certainty"}).'
        )
    texts = ((span.text, span.start_char) for span in doc.sents)
    return [(text.strip(), start + len(text) - len(text.lstrip())) for text, start in texts if text.strip()]


def _moved(score: SentenceScore, by: int) -> SentenceScore:
    cues, second_cues = (
        tuple(Cue(start + by, end + by, text) for start, end, text in spans)
        for spans in (score.cues, score.second_cues)
    )
    source = score.source and Source(score.source.start + by, score.source.end + by, score.source.text)
    return replace(score, start=score.start + by, end=score.end + by, cues=cues, second_cues=second_cues, source=source)


def _score_of(span: Span) -> SentenceScore | None:
    """Return the score of the sentence that contains a span, or None if no single sentence contains all of it."""
    document: Document | None = span.doc._.certainty
    text = span.text
    start = span.start_char + len(text) - len(text.lstrip())
    end = start + len(text.strip())
    if not document or start == end:
        return None
    sentence = document[max(0, bisect_right(document.sentences, start, key=attrgetter("start")) - 1)]
    return sentence if sentence.start <= start and end <= sentence.end else None


Doc.set_extension("certainty", default=None, force=True)
Span.set_extension("certainty", getter=_score_of, force=True)


# ---- Doc.to_bytes, DocBin and nlp.pipe(n_process=…) serialise extension attributes with msgpack ---------------------


@srsly.msgpack_encoders(_DOCUMENT)  # type: ignore[untyped-decorator]
def _encode(value: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    if isinstance(value, Document):
        return {_DOCUMENT: value.to_dict()}
    return value if chain is None else chain(value)


@srsly.msgpack_decoders(_DOCUMENT)  # type: ignore[untyped-decorator]
def _decode(value: Any, chain: Callable[[Any], Any] | None = None) -> Any:
    if _DOCUMENT in value:
        return Document.from_dict(value[_DOCUMENT])
    return value if chain is None else chain(value)
