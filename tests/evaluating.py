"""Labelled sentences, models that know their labels or get some of them wrong, and files of such rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from certainty import Cue, Label, SentenceScore, Source
from certainty.evaluation import Evaluation, evaluate
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

ASSERTED, PROBABLE, OPINION, DENIED = LABELS
PLACES = ["Verlac", "Montrieu", "Sauzet", "Brégille", "Orchamp", "Tarvel", "Lusanger", "Vieuvy", "Corbière"]
FORMS = {
    ASSERTED: ("Selon la mairie, le pont de {} rouvrira lundi.", ""),
    PROBABLE: ("Le pont de {} pourrait rouvrir lundi.", "pourrait"),
    OPINION: ("Rouvrir le pont de {} est une folie.", "une folie"),
    DENIED: ("Le pont de {} ne rouvrira pas lundi.", "ne rouvrira pas"),
}


def sentence(form: Label, place: str, group: int) -> LabelledSentence:
    text, cue = FORMS[form][0].format(place), FORMS[form][1]
    start = text.find(cue)
    cues = ((start, start + len(cue)),) if cue else ()
    return LabelledSentence(
        text, form, None, form is ASSERTED, True, cues, f"{form}-{group}", ("nord", "sud")[group % 2], group
    )


SENTENCES = [sentence(form, place, group) for group, place in enumerate(PLACES) for form in LABELS]
SENTENCES += [LabelledSentence(f"Qui a fermé {place} ?", None, claim=False, corpus="nord") for place in PLACES[:4]]


class StandIn:
    """Knows the gold answers, but for the texts that it is told to get wrong."""

    def __init__(self, wrong: Sequence[str] = (), sentences: Sequence[LabelledSentence] = SENTENCES) -> None:
        self._gold = {s.text: s for s in sentences}
        self._wrong = wrong

    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]:
        return [self._score(text) for text in sentences]

    def _score(self, text: str) -> SentenceScore:
        gold = self._gold[text]
        label = gold.label or ASSERTED
        if text in self._wrong:
            label = LABELS[(LABELS.index(label) + 1) % 4]
        probabilities = {other: 0.97 if other is label else 0.01 for other in LABELS}
        if not gold.claim:
            return SentenceScore(text, 0, len(text), Label.NO_CLAIM, probabilities, 0.02, False, ())
        cues = tuple(Cue(start, end, text[start:end]) for start, end in gold.cues or ())
        score = SentenceScore(text, 0, len(text), label, probabilities, 0.98, bool(gold.attributed), cues)
        if gold.source:
            score = replace(score, source=Source(*gold.source, text[slice(*gold.source)]))
        if gold.second_known or gold.second:
            score = replace(score, second=gold.second, second_probability=0.9 if gold.second else 0.1)
        return score


def write(path: Path, sentences: Sequence[LabelledSentence]) -> str:
    rows = [
        {
            "text": s.text,
            "label": s.label,
            "claim": s.claim,
            "attributed": s.attributed,
            "cues": s.cues or [],
            "id": s.id,
            "corpus": s.corpus,
            "quad": s.group,
        }
        for s in sentences
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def alone(model: Any, data: Any = SENTENCES, **options: Any) -> Evaluation:
    """Evaluate without baselines, which take longest."""
    return evaluate(model, data, baselines=False, **options)


TWO_CLAIMS = [
    LabelledSentence("Paul dit que oui, mais ce serait faux.", PROBABLE, ASSERTED, True, sources=((0, 4),)),
    LabelledSentence("Selon la mairie, non.", DENIED, None, True, sources=((6, 15),), second_known=True),
    LabelledSentence("Il est parti.", ASSERTED, None, False, second_known=True),
    LabelledSentence("Il serait parti, dit-on.", PROBABLE, None, True, sources=(), second_known=True),
]


class Confused(StandIn):
    """Says that what is `silenced` makes no claim, and that what makes none is asserted."""

    def __init__(self, silenced: Sequence[str], sentences: Sequence[LabelledSentence] = SENTENCES) -> None:
        super().__init__(sentences=sentences)
        self._silenced = silenced

    def _score(self, text: str) -> SentenceScore:
        score = super()._score(text)
        if text in self._silenced:
            return replace(score, label=Label.NO_CLAIM, claim_probability=0.1, attributed=False, cues=())
        if score.is_claim:
            return score
        return replace(score, label=ASSERTED, claim_probability=0.7)


BEHAVIOUR = [
    {"text": SENTENCES[0].text, "label": "asserted", "kind": "mft", "construction": "plain", "attributed": True},
    {"text": SENTENCES[1].text, "label": "probable", "kind": "dir", "group": "d", "construction": "conditional"},
    {"text": SENTENCES[4].text, "label": "asserted", "kind": "dir", "group": "d", "construction": "conditional"},
    {"text": SENTENCES[8].text, "label": "asserted", "kind": "inv", "group": "i", "construction": "name"},
    {"text": SENTENCES[12].text, "label": "asserted", "kind": "inv", "group": "i", "construction": "name"},
    {"text": SENTENCES[-1].text, "claim": False, "kind": "mft", "construction": "question"},
]
