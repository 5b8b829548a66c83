"""Baselines: what they learn, what the rules decide, and that folds do not leak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from certainty import CertaintyError, Label
from certainty.evaluation.baselines import (
    BASELINES,
    MajorityBaseline,
    RulesBaseline,
    TfidfBaseline,
    cross_validated,
    folds_of,
)
from certainty.evaluation.judging import predict_baselines
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

ASSERTED, PROBABLE, OPINION, DENIED = LABELS
SENTENCES = [
    LabelledSentence(text, label)
    for label, texts in {
        ASSERTED: [
            "La gare de Tarvel a fermé hier.",
            "Le lac mesure trois kilomètres.",
            "Le maire a signé l'accord mardi.",
        ],
        PROBABLE: ["La gare pourrait fermer demain.", "Le lac serait pollué.", "Le maire aurait signé l'accord."],
        OPINION: ["Je pense que la gare est laide.", "À mon avis, ce lac est superbe."],
        DENIED: ["La gare n'a pas fermé.", "Le maire n'a jamais signé l'accord."],
    }.items()
    for text in texts
]
TEXTS = [sentence.text for sentence in SENTENCES]


def predicted(probabilities: np.ndarray) -> list[Label]:
    return [LABELS[i] for i in probabilities.argmax(1)]


@pytest.mark.parametrize("name", BASELINES)
def test_probabilities(name: str) -> None:
    baseline = BASELINES[name]().fit(SENTENCES)
    probabilities = baseline.predict_proba(TEXTS)
    assert probabilities.shape == (len(TEXTS), 4)
    assert probabilities.sum(1) == pytest.approx(np.ones(len(TEXTS)))
    assert baseline.predict_proba([]).shape == (0, 4)
    assert (baseline.predict_proba(TEXTS[:1]) == probabilities[:1]).all()


def test_majority_gives_the_shares_of_the_labels() -> None:
    unlabelled = LabelledSentence("Où est la gare ?", None, claim=False)
    baseline = MajorityBaseline().fit([*SENTENCES, unlabelled])
    assert baseline.predict_proba(["Bonjour."])[0] == pytest.approx([0.3, 0.3, 0.2, 0.2])


def test_tfidf_learns_its_sentences_and_knows_their_words_elsewhere() -> None:
    baseline = TfidfBaseline().fit(SENTENCES)
    assert predicted(baseline.predict_proba(TEXTS)) == [sentence.label for sentence in SENTENCES]
    assert predicted(baseline.predict_proba(["Le préfet aurait signé.", "Je pense que oui."])) == [PROBABLE, OPINION]


def test_tfidf_takes_either_apostrophe() -> None:
    baseline = TfidfBaseline().fit(SENTENCES)
    straight, curly = baseline.predict_proba(["Il n'a pas signé l'accord.", "Il n’a pas signé l’accord."])
    assert (straight == curly).all()


def test_tfidf_gives_nothing_to_a_label_that_training_does_not_have() -> None:
    few = TfidfBaseline().fit([s for s in SENTENCES if s.label in (ASSERTED, DENIED)]).predict_proba(TEXTS)
    assert (few[:, [1, 2]] == 0).all()
    one = TfidfBaseline().fit([s for s in SENTENCES if s.label is DENIED]).predict_proba(TEXTS)
    assert (one == [0, 0, 0, 1]).all()


@pytest.mark.parametrize("make", [MajorityBaseline, TfidfBaseline])
def test_no_label_to_learn_from(make: type[TfidfBaseline]) -> None:
    with pytest.raises(CertaintyError, match="no sentence to train on has a label"):
        make().fit([LabelledSentence("Où est la gare ?", None, claim=False)])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Le conseil a voté le budget lundi soir.", ASSERTED),
        ("Le directeur n'a pas hésité à fermer l'usine.", ASSERTED),
        ("Non seulement le train est arrivé, mais il était en avance.", ASSERTED),
        ("Le village a été évacué dans la nuit, selon des habitants qui ne dormaient pas.", ASSERTED),
        ("Le suspect aurait quitté la région.", PROBABLE),
        ("Il ne viendra probablement pas.", PROBABLE),
        ("La facture pourrait doubler d'ici mars.", PROBABLE),
        ("On ignore encore l'origine du feu.", PROBABLE),
        ("Il faut rouvrir cette ligne au plus vite.", OPINION),
        ("Je ne crois pas qu'il vienne.", OPINION),
        ("Ce n'est pas une bonne idée.", OPINION),
        ("À mon avis, l'usine fermera.", OPINION),
        ("Le film est magnifique.", OPINION),
        ("Personne n'a été blessé dans l'accident.", DENIED),
        ("La mairie dément toute négligence.", DENIED),
        ("L’usine n’a jamais rouvert.", DENIED),
    ],
)
def test_rules_follow_the_guideline(text: str, label: Label) -> None:
    assert predicted(RulesBaseline().predict_proba([text])) == [label]


class Memory:
    """Is sure of `denied` if it has seen anything of the groups in the texts it is asked about, else of `asserted`."""

    def fit(self, sentences: Sequence[LabelledSentence]) -> Memory:
        self._seen = {sentence.text.split()[0] for sentence in sentences}
        return self

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[0.0, 0, 0, 1] if text.split()[0] in self._seen else [1.0, 0, 0, 0] for text in texts])


def test_cross_validation_never_splits_a_group() -> None:
    grouped = [LabelledSentence(f"groupe{g} phrase {i}", LABELS[i], group=g) for g in range(7) for i in range(4)]
    assert (cross_validated(Memory, grouped, folds_of(grouped, seed=0))[:, 0] == 1).all()
    loose = [LabelledSentence(s.text, s.label, columns={"author": s.text.split()[0]}) for s in grouped]
    assert cross_validated(Memory, loose, folds_of(loose, seed=0))[:, 3].any()
    assert (cross_validated(Memory, loose, folds_of(loose, seed=0, group_by="author"))[:, 0] == 1).all()


def test_baselines_take_the_folds_they_are_given() -> None:
    rows = [LabelledSentence(f"phrase {i}", LABELS[i % 2]) for i in range(8)]
    found = predict_baselines([*rows, LabelledSentence("Quand ?", None, claim=False)], folds=[0, 1] * 4 + [0])
    # Each fold has one label only, so that of the other fold is all that a baseline has seen.
    assert found["majority"].argmax(axis=1).tolist() == [1, 0] * 4


def test_cross_validation_is_repeatable() -> None:
    first, second = (folds_of(SENTENCES, seed=4) for _ in range(2))
    assert (first == second).all()
    assert (first != folds_of(SENTENCES, seed=5)).any()


def test_cross_validation_needs_two_groups() -> None:
    with pytest.raises(CertaintyError, match="too small for cross-validating"):
        folds_of(SENTENCES[:1], seed=0)
