"""What evaluating gives: an `Evaluation` of one model, and a `Comparison` of several on the same sentences."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.evaluation.behaviour import Behaviour
from certainty.evaluation.figures import Figure
from certainty.evaluation.intervals import RESAMPLES
from certainty.evaluation.significance import PERMUTATIONS


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model, or of the mean of several seeds of one recipe, on held-out sentences.

    All that it holds are dicts, lists, strings and numbers, as JSON has them. A FIGURE is a
    `certainty.evaluation.figures.Figure`; metrics are those of `certainty.evaluation.METRICS`.

    Attributes:
        models: Name of the model; several are seeds.
        data: `sentences`, `claims`, `labels` {label: count}, `doubtful` (count), `in_train` (sentences also in the
            training data, or None), `detectable` (least difference in accuracy that so many rows show).
        metrics: {metric: FIGURE}.
        without_doubtful: The same without the rows that are marked doubtful; None where none is.
        per_class: {label: `precision`, `recall`, `f1` (a FIGURE), `support`}.
        slices: {column: {value: `sentences`, `claims`, and the FIGURE of some metrics}}.
        confusion: Mean count of each gold (row) and predicted (column) label, in label order.
        reliability: List of `low`, `high`, `count`, `confidence`, `accuracy`, all seeds pooled.
        uncalibrated: `ece`, `brier` (FIGUREs) and `reliability` as they were before the calibration that the models'
            `certainty.json` records; None where one of them records none.
        risk_coverage: `coverage` and `risk`, mean over seeds.
        baselines: {name: `macro_f1` and `accuracy` (FIGUREs), `f1` {label: value}, `difference` (of macro-F1, model
            less baseline: `value`, `low`, `high`), `p_value`}.
        baselines_fit: "train" or "cross-validation" (five folds of the held-out sentences themselves).
        errors: The sentences whose label is wrong, the surest first: `id`, `corpus`, `text`, `gold`, `gold_cues`
            (character spans), `doubtful`, and `predictions` {model: `label`, `probability`, `is_claim`, `cues`}.
        faithfulness: What `certainty.evaluation.faithfulness` returns, or None.
        seed, resamples, permutations: Settings of the bootstrap and the tests.
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
        """The name of the model, or of all the seeds."""
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
            text: Whether the text of the errors is in it; without, it may be published where sentences may not.
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, "models": list(self.models), "errors": _errors(self.errors, text)}

    def to_json(self, text: bool = True) -> str:
        """Return `to_dict` as a JSON string."""
        return _json(self.to_dict(text))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation whose `to_dict` this is.

        Raises:
            CertaintyError: it is none of this version.
        """
        return cls(**_checked(cls, {**values, "models": tuple(values.get("models", ()))}))

    @classmethod
    def from_json(cls, content: str) -> Evaluation:
        """Return the evaluation whose `to_json` this is.

        Raises:
            CertaintyError: it is not JSON, or no evaluation of this version.
        """
        return cls.from_dict(_parsed(content))

    def summary(self) -> str:
        """Return the figures as plain text of aligned columns, without the errors."""
        from certainty.evaluation.summary import summary

        return summary(self)

    def write_report(self, folder: str | Path) -> Path:
        """Write a report into a folder; see `Comparison.write_report`."""
        return Comparison((self,), errors=self.errors).write_report(folder)


@dataclass(frozen=True)
class Comparison:
    """Several models on the same sentences, side by side.

    Attributes:
        evaluations: One for each model; their `errors` are empty where those of all stand here.
        differences: For each pair of models, in macro-F1 and accuracy: `metric`, `first`, `second` (names), `value`
            (first less second), `low`, `high`, `p_value`, `differing` (claims that the two label differently),
            `detectable` (least difference in accuracy that so many rows show).
        errors: As in an `Evaluation`: the sentences that any model has wrong, with the prediction of every model.
        behaviour: What behaviour tests found, of each model.
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
        """Return the comparison whose `to_json` this is.

        Raises:
            CertaintyError: it is not JSON, or no comparison of this version.
        """
        values = _parsed(content)
        built: dict[str, Any] = dict(values)
        for name, kind in (("evaluations", Evaluation.from_dict), ("behaviour", Behaviour.from_dict)):
            built[name] = tuple(map(kind, values.get(name, ())))
        return cls(**_checked(cls, built))

    def summary(self) -> str:
        """Return the figures as plain text: of one model as `Evaluation.summary` does, of several side by side."""
        from certainty.evaluation.summary import comparison_summary

        return comparison_summary(self)

    def write_report(self, folder: str | Path) -> Path:
        """Write `metrics.json` (without the text of any sentence), `index.html` and `errors.csv` (with the errors).

        Each file appears whole or not at all.

        Args:
            folder: Made if it is not there; files of an earlier report are replaced.

        Returns:
            The path of `index.html`.

        Raises:
            CertaintyError: jinja2 or matplotlib is missing, or the folder cannot be written to.
        """
        from certainty.evaluation.report import write_report

        return write_report(self, folder)


def _errors(errors: Sequence[Mapping[str, Any]], text: bool) -> list[dict[str, Any]]:
    return [{name: value for name, value in error.items() if text or name != "text"} for error in errors]


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _parsed(content: str) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except ValueError as error:
        raise CertaintyError(f"not the JSON of an evaluation: {error}. Give what `to_json` wrote.") from error
    if not isinstance(values, dict):
        raise CertaintyError(f"not the JSON of an evaluation but a {type(values).__name__}. Give what `to_json` wrote.")
    return values


def _checked(cls: Any, values: Mapping[str, Any]) -> Mapping[str, Any]:
    names = {field.name for field in dataclasses.fields(cls)}
    needed = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
    if wrong := (needed - set(values)) | (set(values) - names):
        raise CertaintyError(
            f"not the JSON of such a result of this version (see {', '.join(sorted(wrong))}). Evaluate again."
        )
    return values
