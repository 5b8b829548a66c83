"""Measure how far labels depend on their cues: `certainty evaluate --faithfulness --data FILE …`.

The measures are those of ERASER (DeYoung et al. 2020, https://aclanthology.org/2020.acl-main.408). They follow p, the
probability of the label that the model predicts for the whole sentence:

- `comprehensiveness`: p of the sentence minus p without the cues; high if the cues are necessary.
- `sufficiency`: p of the sentence minus p of the cues alone; near 0 if they are sufficient.
- `flips`: share of sentences whose label changes without the cues.

To remove words, each of their tokens is replaced with the model's mask token; in measures that end in `_deleted`, the
words are deleted from the text instead. Measures that end in `_random` mask as many other tokens, in spans of the same
lengths (split if no free stretch is long enough), and are averaged over several draws. They are not measured for
sentences in which more than half of the tokens are cues; these sentences do not count in `flips_difference` either.

`faithfulness` returns a JSON-ready dict that contains no text. A FIGURE is that of `certainty.evaluation.figures`;
several models are seeds of the same model.

- `seed`, `random` (number of draws), `models` (names). Sentences of a unit are drawn and swapped together, see
  `certainty.evaluation.units`.
- `predicted`: for sentences with predicted cues that the model calls claims, {"all" or the predicted label: a FIGURE
  for each of `MEASURES`, and `flips_difference`, which is `flips` minus `flips_random` with `value`, `low`, `high`,
  `p_value` (see `significance.permutation_p_value`) and `rows`}.
- `gold`: the same for the gold cues, for sentences whose predicted label is right and not `asserted` (the gold cues of
  one label say nothing about another).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from certainty import Label, SentenceScore
from certainty.evaluation import metrics as m
from certainty.evaluation.figures import figure, mean_statistic
from certainty.evaluation.intervals import Interval, share_interval
from certainty.evaluation.metric_table import Measured, probabilities_of
from certainty.evaluation.perturbations import Spans, cue_tokens, kept, random_spans
from certainty.evaluation.significance import Rival, paired_test
from certainty.evaluation.units import part_of, units_of
from certainty.labelled import LabelledSentence
from certainty.labels import LABELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MEASURES = (
    "cue_share",
    "comprehensiveness",
    "comprehensiveness_deleted",
    "comprehensiveness_random",
    "sufficiency",
    "sufficiency_deleted",
    "flips",
    "flips_deleted",
    "flips_random",
)
"""Names of the measures; `cue_share` is the share of a sentence's tokens that are cues."""

GROUPS = ("all", *(label.value for label in LABELS if label is not Label.ASSERTED))
DRAWS = 10

_HEAD = (
    "cues", "label", "sentences", "comprehensiveness", "deleted", "random", "sufficiency", "deleted", "flips",
    "deleted", "random", "flips − random", "p",
)  # fmt: skip


class Tokens(Protocol):
    """A tokenised sentence, without special tokens."""

    @property
    def ids(self) -> list[int]: ...  # noqa: D102
    @property
    def offsets(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102


class Scorer(Protocol):
    """A `CertaintyClassifier`, or any object with these of its methods."""

    @property
    def mask_token_id(self) -> int: ...  # noqa: D102
    def score_sentences(self, sentences: Sequence[str], /) -> list[SentenceScore]: ...  # noqa: D102
    def tokenize(self, sentences: Sequence[str], /) -> Sequence[Tokens]: ...  # noqa: D102
    def predict_proba_of_tokens(self, token_ids: Sequence[list[int]], /) -> Floats: ...  # noqa: D102


class Effects(NamedTuple):
    """Effects of removing the cues on one model.

    Attributes:
        label: Index of the label predicted for each whole sentence, shape (sentences,).
        values: Values of each of `MEASURES`, shape (sentences,); NaN where there is nothing to measure.
    """

    label: NDArray[np.int64]
    values: Mapping[str, Floats]


def faithfulness(
    classifier: Scorer,
    sentences: Sequence[LabelledSentence],
    *,
    name: str = "model",
    seed: int = 0,
    draws: int = DRAWS,
    group_by: str | None = None,
) -> dict[str, Any]:
    """Measure how far the labels of a classifier depend on the predicted cues and on the gold cues.

    Args:
        classifier: The classifier to evaluate.
        sentences: The held-out sentences.
        name: Name of the classifier in the result.
        seed: Seed for the random spans, the bootstrap and the permutations.
        draws: Number of random choices of other tokens to average over.
        group_by: Column whose rows are not independent; see `certainty.evaluation.units.units_of`.

    Returns:
        A dict as described in the module docstring.

    Raises:
        CertaintyError: the model has no mask token.
    """
    return faithfulness_of_seeds({name: classifier}, sentences, seed=seed, draws=draws, group_by=group_by)


def faithfulness_of_seeds(
    classifiers: Mapping[str, Scorer],
    sentences: Sequence[LabelledSentence],
    *,
    seed: int = 0,
    draws: int = DRAWS,
    group_by: str | None = None,
) -> dict[str, Any]:
    """Run `faithfulness` for several seeds of the same model."""
    texts = [sentence.text for sentence in sentences]
    predicted, gold = [], []
    for classifier in classifiers.values():
        scores = classifier.score_sentences(texts)
        marked = [[(c.start, c.end) for c in score.cues] for score in scores]
        given = [
            sentence.cues or () if score.label is sentence.label is not Label.ASSERTED else ()
            for score, sentence in zip(scores, sentences, strict=True)
        ]
        predicted.append(effects(classifier, scores, marked, seed, draws))
        gold.append(effects(classifier, scores, given, seed, draws))
    units = units_of(sentences, group_by)
    return {
        "seed": seed,
        "random": draws,
        "models": list(classifiers),
        "predicted": _by_label(predicted, units, seed),
        "gold": _by_label(gold, units, seed),
    }


def effects(
    classifier: Scorer, scores: Sequence[SentenceScore], spans: Sequence[Spans], seed: int, draws: int
) -> Effects:
    """Measure the effects of masking or deleting the cues, or the other words, of each sentence.

    Args:
        classifier: The classifier that gave the scores.
        scores: Scores of the whole sentences.
        spans: Character spans of the cues of each sentence; sentences without cues are not measured.
        seed: Seed for the random spans, which are drawn for each sentence independently of the others.
        draws: Number of random choices of other tokens to average over.
    """
    whole = probabilities_of(scores)
    label = whole.argmax(1)
    values = {measure: np.full(len(scores), np.nan) for measure in MEASURES}
    rows = [i for i, own in enumerate(spans) if own]
    texts = [scores[i].text for i in rows]
    tokens = classifier.tokenize(texts)
    cues = [cue_tokens(t.offsets, spans[i]) for t, i in zip(tokens, rows, strict=True)]
    mask = classifier.mask_token_id

    def hide(number: int, hidden: NDArray[np.bool_]) -> list[int]:
        return [mask if h else token for token, h in zip(tokens[number].ids, hidden.tolist(), strict=True)]

    def measure(where: Sequence[int], token_ids: Sequence[list[int]]) -> tuple[Floats, Floats]:
        """Return the drop in p, and whether the label changes, for the sentences at `where`."""
        own, changed = label[where], classifier.predict_proba_of_tokens(token_ids)
        drop = whole[where, own] - changed[np.arange(len(own)), own]
        return drop, (changed.argmax(1) != own).astype(np.float64)

    def words(inside: bool) -> list[list[int]]:
        shown = [kept(text, spans[i], inside) for text, i in zip(texts, rows, strict=True)]
        return [t.ids for t in classifier.tokenize(shown)]

    if rows:
        values["cue_share"][rows] = [cue.mean() for cue in cues]
        without, alone = ([hide(n, c if out else ~c) for n, c in enumerate(cues)] for out in (True, False))
        values["comprehensiveness"][rows], values["flips"][rows] = measure(rows, without)
        values["sufficiency"][rows], _ = measure(rows, alone)
        values["comprehensiveness_deleted"][rows], values["flips_deleted"][rows] = measure(rows, words(inside=False))
        values["sufficiency_deleted"][rows], _ = measure(rows, words(inside=True))
    roomy = [n for n, cue in enumerate(cues) if 2 * cue.sum() <= len(cue)]
    if roomy:
        generators = {n: np.random.default_rng([seed, rows[n]]) for n in roomy}
        hidden = [hide(n, random_spans(cues[n], generators[n])) for n in roomy for _ in range(draws)]
        where = [rows[n] for n in roomy]
        drop, flips = measure(np.repeat(where, draws).tolist(), hidden)
        values["comprehensiveness_random"][where] = drop.reshape(-1, draws).mean(1)
        values["flips_random"][where] = flips.reshape(-1, draws).mean(1)
    return Effects(label, values)


def table(result: Mapping[str, Any]) -> str:
    """Return the result of `faithfulness` as a Markdown table, with 95 % intervals in brackets."""
    rows = [_HEAD, ("---",) * len(_HEAD)]
    for kind in ("predicted", "gold"):
        for label, group in result[kind].items():
            difference = group["flips_difference"]
            p = "–" if difference["p_value"] is None else f"{difference['p_value']:.4f}"
            rows.append(
                (
                    kind,
                    label.replace("_", " "),
                    f"{group['comprehensiveness']['rows']:,}",
                    _cell(group["comprehensiveness"], interval=True),
                    _cell(group["comprehensiveness_deleted"]),
                    _cell(group["comprehensiveness_random"]),
                    _cell(group["sufficiency"], interval=True),
                    _cell(group["sufficiency_deleted"]),
                    _cell(group["flips"], interval=True),
                    _cell(group["flips_deleted"]),
                    _cell(group["flips_random"]),
                    _cell(difference, interval=True),
                    p,
                )
            )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _by_label(models: Sequence[Effects], units: Ints | None, seed: int) -> dict[str, Any]:
    result = {}
    for group in GROUPS:
        columns = [
            {
                name: values if group == "all" else np.where(model.label == LABELS.index(Label(group)), values, np.nan)
                for name, values in model.values.items()
            }
            for model in models
        ]
        figures = {name: figure(_means([own[name] for own in columns], units), seed) for name in MEASURES}
        result[group] = {**figures, "flips_difference": _difference(columns, units, seed)}
    return result


def _means(columns: Sequence[Floats], units: Ints | None) -> list[Measured]:
    """Measure the mean of each model's values, without rows that no model measures and models without rows."""
    columns = [column for column in columns if not np.isnan(column).all()]
    if not columns:
        return [Measured(0, m.mean)]
    measured = np.flatnonzero(~np.isnan(columns).all(axis=0))
    return [
        Measured(
            len(measured),
            partial(_mean, column[measured]),
            *_share(column[measured]),
            units=part_of(units, measured),
        )
        for column in columns
    ]


def _share(values: Floats) -> tuple[Floats | None, Callable[[Floats], Interval] | None]:
    """Return counts and the closed-form interval if all values are 0 or 1, otherwise (None, None).

    Unlike the bootstrap, this interval has a width even if all values are equal.
    """
    known = values[~np.isnan(values)]
    return (np.array([known.sum(), len(known)]), share_interval) if set(known) <= {0.0, 1.0} else (None, None)


def _mean(values: Floats, weights: m.Array) -> m.Array:
    known = ~np.isnan(values)
    return m.mean(values[known], weights[..., known])


def _difference(columns: Sequence[Mapping[str, Floats]], units: Ints | None, seed: int) -> dict[str, Any]:
    drawn = np.array([own["flips_random"] for own in columns])
    apart = np.array([own["flips"] for own in columns]) - drawn  # NaN where a model has nothing to compare
    rows = ~np.isnan(apart).all(axis=0)
    apart = apart[~np.isnan(apart).all(axis=1)][:, rows]
    if not apart.size:
        return {"value": None, "low": None, "high": None, "p_value": None, "rows": 0}
    means = [partial(_mean, own) for own in apart]
    # Swapping cues and random tokens changes the sign of the row's difference.
    signed = [partial(_mean_of_signed, own) for own in apart]
    rival = Rival(apart.shape[1], mean_statistic(means), mean_statistic(signed), part_of(units, rows))
    test = paired_test(rival, seed=seed)
    low, high = test.interval
    return {"value": test.difference, "low": low, "high": high, "p_value": test.p_value, "rows": apart.shape[1]}


def _mean_of_signed(values: Floats, swaps: m.Array) -> m.Array:
    known = ~np.isnan(values)
    return np.asarray((1 - 2 * swaps[..., known]) @ values[known] / known.sum())


def _cell(values: Mapping[str, Any], interval: bool = False) -> str:
    if values["value"] is None:
        return "–"
    spread = "" if values.get("sd") is None else f" ± {values['sd']:.3f}"
    between = f" [{values['low']:.3f}, {values['high']:.3f}]" if interval else ""
    return f"{values['value']:.3f}{spread}{between}".replace("-", "−")
