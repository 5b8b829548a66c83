"""Results of an evaluation: the `Evaluation` of one model, and the `Comparison` of several on the same sentences."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from certainty.errors import CertaintyError
from certainty.evaluation.behaviour import Behaviour
from certainty.evaluation.figures import Figure
from certainty.evaluation.intervals import RESAMPLES
from certainty.evaluation.significance import PERMUTATIONS

Result = TypeVar("Result", "Evaluation", "Comparison")


@dataclass(frozen=True)
class Evaluation:
    """Evaluation of one model, or of several seeds of the same model, on held-out sentences.

    All values are JSON types: dicts, lists, strings, numbers. A FIGURE is a `certainty.evaluation.figures.Figure`; the
    metrics are those of `certainty.evaluation.METRICS`.

    Attributes:
        models: Name of the model, or of each seed.
        data: `sentences`, `claims`, `units` (documents, groups or repeated sentences, whose claims are resampled
            together; without them, as many as claims), `labels` {label: count}, `doubtful` (count), `in_train` (number
            of sentences that are in the training data, or nearly the same as one there, or None), `trained_on`
            {model: number of sentences that it was trained on, see `certainty.evaluation.known.known_counts`, or None
            if its folder does not record them}, `chosen_on` (the same for those on which it was chosen and calibrated),
            `detectable` (smallest difference in accuracy that this many rows can detect).
        metrics: {metric: FIGURE}.
        without_doubtful: The same without the rows marked doubtful; None if there are none.
        per_class: {label: `precision`, `recall`, `f1` (a FIGURE), `support`}.
        slices: {column: {value: `sentences`, `claims`, and a FIGURE for some of the metrics}}.
        confusion: Mean count of each gold (row) and predicted (column) label, in label order.
        reliability: List of `low`, `high`, `count`, `confidence`, `accuracy`, all seeds pooled.
        uncalibrated: `ece`, `brier` (FIGUREs) and `reliability` before the calibration recorded in `certainty.json`;
            None unless every model records one.
        risk_coverage: `coverage` and `risk`, mean over seeds.
        baselines: {name: `macro_f1` and `accuracy` (FIGUREs), `f1` {label: value}, `difference` (macro-F1 of the model
            minus the baseline: `value`, `low`, `high`), `p_value`}.
        baselines_fit: "train" or "cross-validation" (up to five folds of the held-out sentences).
        errors: Sentences whose returned label, with `no_claim`, is not the gold one, most confident errors first: `id`,
            `corpus`, `text`, `gold`, `gold_cues` (character spans), `doubtful`, `by` {sliced column: value}, and
            `predictions` {model: `label`, `probability`, `is_claim` (None if the model cannot tell), `cues`}.
        faithfulness: Result of `certainty.evaluation.faithfulness`, or None.
        seed, resamples, permutations: Settings of the bootstrap and the permutation tests.
    """

    models: tuple[str, ...]
    data: Mapping[str, Any]
    metrics: Mapping[str, Figure]
    without_doubtful: Mapping[str, Figure] | None
    per_class: Mapping[str, Mapping[str, Any]]
    slices: Mapping[str, Mapping[str, Mapping[str, Any]]]
    confusion: Sequence[Sequence[float]]
    reliability: Sequence[Mapping[str, float]]
    uncalibrated: Mapping[str, Any] | None
    risk_coverage: Mapping[str, Sequence[float]]
    baselines: Mapping[str, Mapping[str, Any]]
    baselines_fit: str
    errors: Sequence[Mapping[str, Any]]
    faithfulness: Mapping[str, Any] | None = None
    seed: int = 0
    resamples: int = RESAMPLES
    permutations: int = PERMUTATIONS

    @property
    def name(self) -> str:
        """The name of the model, or the names of all seeds."""
        return ", ".join(self.models)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels."""
        return float(self.metrics["macro_f1"]["value"] or 0)

    @property
    def accuracy(self) -> float:
        """Share of claims with the right label."""
        return float(self.metrics["accuracy"]["value"] or 0)

    def to_dict(self, text: bool = True) -> dict[str, Any]:
        """Return plain dicts and lists, ready for JSON.

        Args:
            text: Whether to include the text of the errors; leave it out if the sentences may not be published.
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, "models": list(self.models), "errors": _errors(self.errors, text)}

    def to_json(self, text: bool = True) -> str:
        """Return `to_dict` as a JSON string."""
        return _json(self.to_dict(text))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation from the output of `to_dict`.

        Raises:
            CertaintyError: the values are not those of an evaluation by this version.
        """
        return _built(cls, {**values, "models": tuple(_list(values, "models"))})

    @classmethod
    def from_json(cls, content: str) -> Evaluation:
        """Return the evaluation from the output of `to_json`.

        Raises:
            CertaintyError: `content` is not JSON, or not an evaluation by this version.
        """
        return cls.from_dict(_parsed(content))

    def summary(self) -> str:
        """Return the metrics as plain text in aligned columns, without the errors."""
        from certainty.evaluation.summary import summary

        return summary(self)

    def write_report(self, folder: str | Path, excel: bool = False) -> Path:
        """Write a report into a folder; see `Comparison.write_report`."""
        return Comparison((self,), errors=self.errors).write_report(folder, excel)


@dataclass(frozen=True)
class Comparison:
    """Evaluations of several models on the same sentences.

    Attributes:
        evaluations: One evaluation per model; `compare` leaves their `errors` empty and fills `errors` below.
        differences: For each pair of models, in macro-F1, accuracy and answer accuracy: `metric`, `first`, `second`
            (names), `value` (first minus second), `low`, `high`, `p_value`, `differing` (number of claims that the two
            label differently, or of sentences that they answer differently), `detectable` (smallest difference in
            accuracy that this many rows can detect), `better` (name of the model that is better; None if that cannot be
            said, as when that model was trained on these sentences).
        errors: Sentences that any model labels wrongly, with the prediction of every model; see `Evaluation.errors`.
        behaviour: Results of the behaviour tests for each model.
    """

    evaluations: tuple[Evaluation, ...] = ()
    differences: Sequence[Mapping[str, Any]] = ()
    errors: Sequence[Mapping[str, Any]] = ()
    behaviour: tuple[Behaviour, ...] = ()

    def to_dict(self, text: bool = True) -> dict[str, Any]:
        """Return plain dicts and lists, ready for JSON; see `Evaluation.to_dict`."""
        return {
            "evaluations": [{**one.to_dict(text), "errors": []} for one in self.evaluations],
            "differences": [dict(difference) for difference in self.differences],
            "errors": _errors(self.errors, text),
            "behaviour": [one.to_dict(text) for one in self.behaviour],
        }

    def to_json(self, text: bool = True) -> str:
        """Return `to_dict` as a JSON string."""
        return _json(self.to_dict(text))

    @classmethod
    def from_json(cls, content: str) -> Comparison:
        """Return the comparison from the output of `to_json`.

        Raises:
            CertaintyError: `content` is not JSON, or not a comparison by this version.
        """
        values = _parsed(content)
        built: dict[str, Any] = dict(values)
        for name, kind in (("evaluations", Evaluation.from_dict), ("behaviour", Behaviour.from_dict)):
            built[name] = tuple(map(kind, _list(values, name)))
        return _built(cls, built)

    def summary(self) -> str:
        """Return the metrics as plain text: `Evaluation.summary` for one model, side by side for several."""
        from certainty.evaluation.summary import comparison_summary

        return comparison_summary(self)

    def write_report(self, folder: str | Path, excel: bool = False) -> Path:
        """Write `metrics.json` (without the text of any sentence), `index.html` and `errors.csv` (with the errors).

        Each file is written atomically.

        Args:
            folder: The folder, created if it is missing; files of an earlier report are replaced.
            excel: Write `errors.csv` for French spreadsheets: with semicolons and decimal commas.

        Returns:
            The path of `index.html`.

        Raises:
            CertaintyError: jinja2 or matplotlib is missing, or the folder cannot be written to.
        """
        from certainty.evaluation.report import write_report

        return write_report(self, folder, excel)


def _errors(errors: Sequence[Mapping[str, Any]], text: bool) -> list[dict[str, Any]]:
    return [{name: value for name, value in error.items() if text or name != "text"} for error in errors]


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _parsed(content: str) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except (TypeError, ValueError, RecursionError) as error:
        raise CertaintyError(f"not the JSON of an evaluation: {error}. Give what `to_json` wrote.") from error
    if not isinstance(values, dict):
        raise CertaintyError(f"not the JSON of an evaluation but a {type(values).__name__}. Give what `to_json` wrote.")
    return values


def _list(values: Mapping[str, Any], name: str) -> list[Any]:
    found = values.get(name, []) if isinstance(values, Mapping) else None
    if not isinstance(found, (list, tuple)):
        raise CertaintyError(f"not a result of this version ({name} is not a list). Evaluate again.")
    return list(found)


def _built(cls: type[Result], values: Mapping[str, Any]) -> Result:
    names = {field.name for field in dataclasses.fields(cls)}
    needed = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
    if wrong := (needed - set(values)) | (set(values) - names):
        raise CertaintyError(
            f"not a result of this version (missing or unknown: {', '.join(sorted(wrong))}). Evaluate again."
        )
    result = cls(**values)
    for name, hint in get_type_hints(cls).items():
        if not isinstance(getattr(result, name), _kinds(hint)):
            raise CertaintyError(
                f"not a result of this version ({name} is {repr(getattr(result, name))[:60]}). Evaluate again."
            )
    try:
        result.summary()  # reads most of what is nested
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise CertaintyError(f"not a result of this version ({error}). Evaluate again.") from error
    return result


def _kinds(hint: Any) -> tuple[type, ...]:
    """Return the classes that a type hint allows, such as list and tuple for a sequence."""
    parts = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    classes = [get_origin(part) or part for part in parts]
    return tuple(kind for one in classes for kind in ((list, tuple) if one is Sequence else (one,)))
