"""Find likely label errors by confident learning (Northcutt, Jiang and Chuang 2021), with cleanlab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certainty.classifier import CertaintyClassifier
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.labelled import LabelledSentence, digest
from certainty.labelling.choices import CATEGORIES, category
from certainty.labelling.tasks import sentence_id
from certainty.labels import LABELS

COLUMNS = ("id", "annotator", "label", "suggested", "probability", "label_probability", "text", "decision")
_DECIMALS = 6


@dataclass(frozen=True)
class Suspect:
    """A label that is probably wrong.

    Attributes:
        sentence: The row.
        suggested: The most probable category.
        probability: Probability of the suggested category.
        label_probability: Probability of the given label; the lower, the more suspicious.
    """

    sentence: LabelledSentence
    suggested: str
    probability: float
    label_probability: float

    def to_row(self) -> dict[str, Any]:
        """Return a row for the report, with an empty `decision` to fill in: the right label, `keep`, or nothing."""
        return {
            "id": sentence_id(self.sentence.text, self.sentence.id),
            "annotator": self.sentence.annotator,
            "label": category(self.sentence),
            "suggested": self.suggested,
            "probability": round(self.probability, _DECIMALS),
            "label_probability": round(self.label_probability, _DECIMALS),
            "text": self.sentence.text,
            "decision": "",
        }


def suspects(sentences: Sequence[LabelledSentence], probabilities: NDArray[np.float64]) -> list[Suspect]:
    """Return the likely label errors, the most suspicious first.

    Args:
        sentences: The rows, n of them.
        probabilities: Out-of-sample probabilities, shape (n, k), for the first k of `CATEGORIES`.

    Raises:
        CertaintyError: cleanlab is missing, or all rows have the same label.
    """
    needs("cleanlab", extra="label", user="certainty label audit")
    from cleanlab.filter import find_label_issues

    numbers = np.array([CATEGORIES.index(category(sentence)) for sentence in sentences], dtype=int)
    present = np.unique(numbers)
    if len(present) < 2:
        raise CertaintyError("an audit needs rows of two labels at least; give more rows.")
    # cleanlab requires every class to occur.
    among = probabilities[:, present]
    sums = among.sum(1, keepdims=True)
    among = np.where(sums > 0, among / np.where(sums > 0, sums, 1), 1 / len(present))
    issues = find_label_issues(
        np.searchsorted(present, numbers), among, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    result = []
    for i in issues.tolist():
        best = int(probabilities[i].argmax())
        result.append(
            Suspect(sentences[i], CATEGORIES[best], float(probabilities[i, best]), float(probabilities[i, numbers[i]]))
        )
    return result


def model_probabilities(sentences: Sequence[LabelledSentence], classifier: CertaintyClassifier) -> NDArray[np.float64]:
    """Return the model's label probabilities, shape (n, 4); all sentences must make a claim."""
    return classifier.predict_proba([sentence.text for sentence in sentences])


def seen_in_training(sentences: Sequence[LabelledSentence], classifier: CertaintyClassifier) -> str | None:
    """Return "train" or "dev" if the model was made with exactly these rows, so that it has seen their labels."""
    rows = digest(sentences)
    made_with = classifier.settings.training or {}
    return next((part for part in ("train", "dev") if made_with.get(part, {}).get("sha256") == rows), None)


def cross_validated(sentences: Sequence[LabelledSentence], folds: int, seed: int = 0) -> NDArray[np.float64]:
    """Return cross-validated probabilities of a TF-IDF classifier.

    Rows of the same group, or rows without a group that have the same text, are in the same fold.

    Returns:
        Out-of-sample probabilities, shape (n, 5), with columns in the order of `CATEGORIES`.

    Raises:
        CertaintyError: scikit-learn is missing, there are fewer than 2 folds or labels, or a label has fewer rows than
            there are folds.
    """
    needs("sklearn", extra="label", user="certainty label audit")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline, make_union

    if folds < 2:
        raise CertaintyError(f"folds is {folds}; it must be at least 2.")
    names = [category(sentence) for sentence in sentences]
    rarest, rows = min(Counter(names).items(), key=lambda item: item[1], default=("", 0))
    if rows < folds:
        raise CertaintyError(
            f"{rarest or 'no label'} has {rows} rows, too few for {folds} folds; lower --folds or add rows."
        )
    if len(set(names)) < 2:
        raise CertaintyError("an audit needs rows of two labels at least; give more rows.")
    numbers = np.array([CATEGORIES.index(name) for name in names])
    classifier = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2 if rows > 20 else 1),
        ),
        LogisticRegression(C=10, max_iter=1000),
    )
    given = cross_val_predict(
        classifier,
        [sentence.text for sentence in sentences],
        numbers,
        groups=_groups(sentences),
        cv=StratifiedGroupKFold(folds, shuffle=True, random_state=seed),
        method="predict_proba",
    )
    probabilities = np.zeros((len(sentences), len(CATEGORIES)))
    probabilities[:, np.unique(numbers)] = given
    return probabilities


def _groups(sentences: Sequence[LabelledSentence]) -> list[int]:
    keys: dict[object, int] = {}
    return [keys.setdefault(s.group if s.group is not None else s.text, len(keys)) for s in sentences]


def claims(sentences: Sequence[LabelledSentence]) -> list[LabelledSentence]:
    """Return the sentences that make a claim; a model has no label probabilities for the others."""
    return [sentence for sentence in sentences if sentence.label in LABELS]
