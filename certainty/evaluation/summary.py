"""Format the summary of an evaluation for the terminal, as plain text in aligned columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from certainty.evaluation.metric_table import METRICS
from certainty.evaluation.significance import SIGNIFICANT, shown_sign
from certainty.evaluation.wording import interval, number, p_value, percent, title

if TYPE_CHECKING:
    from certainty.evaluation.behaviour import Behaviour
    from certainty.evaluation.result import Comparison, Evaluation


def summary(evaluation: Evaluation) -> str:
    """Return the summary of one model, or of several seeds of the same model."""
    seeds = f"{len(evaluation.models)} seeds of one model: mean ± sd, interval of the mean"
    lines = [*_data(evaluation), *_leaks([evaluation]), ""]
    lines += [f"{seeds if len(evaluation.models) > 1 else evaluation.name} (95 % intervals)"]
    lines += _metrics(evaluation)
    if before := evaluation.uncalibrated:
        changes = (
            f"{METRICS[name].title} {number(before[name]['value'])} → {number(evaluation.metrics[name]['value'])}"
            for name in ("ece", "brier")
        )
        lines += ["", f"Before → after calibration: {', '.join(changes)}"]
    lines += _table(
        ("label", "F1", "interval", "precision", "recall", "claims"),
        [
            (title(label), *_cells(c["f1"]), number(c["precision"]), number(c["recall"]), f"{c['support']:,}")
            for label, c in evaluation.per_class.items()
        ],
    )
    for column, values in told(evaluation.slices):
        lines += _table(
            (column, "macro-F1", "interval", "accuracy", "claims"),
            [
                (value, *_cells(c["macro_f1"]), number(c["accuracy"]["value"]), f"{c['claims']:,}")
                for value, c in values.items()
            ],
        )
    return "\n".join([*lines, *_baselines(evaluation)])


def comparison_summary(comparison: Comparison) -> str:
    """Return the summary of one model, or of several side by side, and of their behaviour tests."""
    lines = []
    if len(comparison.evaluations) == 1:
        lines.append(summary(comparison.evaluations[0]))
    elif comparison.evaluations:
        lines += _side_by_side(comparison)
    if comparison.behaviour:
        lines += ["", behaviour_summary(comparison.behaviour)] if lines else [behaviour_summary(comparison.behaviour)]
    return "\n".join(lines)


def behaviour_summary(found: Sequence[Behaviour]) -> str:
    """Return the results of behaviour tests for one or more models."""
    lines = [f"Behaviour: {found[0].right['total']:,} sentences (95 % Wilson intervals)"]
    shares: list[tuple[str, list[Mapping[str, Any]]]] = [("right", [b.right for b in found])]
    shares += [(f"  {title(answer)}", [b.by_answer[answer] for b in found]) for answer in found[0].by_answer]
    shares += [
        ("inv groups that change", [b.inv_changed for b in found]),
        ("dir groups right", [b.dir_right for b in found]),
        ("attribution right", [b.attributed for b in found]),
    ]
    head = ("", *(cell for b in found for cell in (b.name, "interval")), "of")
    rows = [
        (name, *(cell for share in each for cell in _share(share)), f"{total:,}")
        for name, each in shares
        if (total := max(share["total"] for share in each))  # 0 where a model cannot tell
    ]
    calibrated = [b.expected_calibration_error for b in found]
    if calibrated[0] is not None:
        rows.append(("ECE of the label", *(cell for error in calibrated for cell in (number(error), "")), ""))
    lines += _table(head, rows)
    missed = [
        (name, *(f"{b.by_construction[name]['right']}" for b in found), f"{share['total']}")
        for name, share in found[0].by_construction.items()
        if any(b.by_construction[name]["right"] < share["total"] for b in found)
    ]
    if missed:
        lines += _table(("constructions with an error", *(f"{b.name} right" for b in found), "of"), missed)
    return "\n".join(lines)


def told(slices: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the slices worth showing: those of columns that have a value in at least one row."""
    return [(column, values) for column, values in slices.items() if set(values) != {"unnamed"}]


def _data(evaluation: Evaluation) -> list[str]:
    data = evaluation.data
    counts = ", ".join(f"{count:,} {title(label)}" for label, count in data["labels"].items())
    lines = [
        f"{data['sentences']:,} sentences, {data['claims']:,} claims: {counts}",
        f"{data['claims']:,} rows: differences in accuracy under {number(data['detectable'])} cannot be detected "
        "(if the other model differs in as many answers as are wrong here).",
    ]
    if data.get("units", data["claims"]) < data["claims"]:
        together = f"{data['units']:,} units (documents, groups, repeated sentences)"
        lines.append(f"They are {together}, whose rows are resampled together.")
    return lines


def _leaks(each: Sequence[Evaluation]) -> list[str]:
    """Return a warning if the sentences are in the training data, and one for each model that knows some of them."""
    in_train = each[0].data["in_train"]
    lines = []
    if in_train:
        lines = [
            f"WARNING: {in_train:,} of the sentences are also in the training data, or nearly the same as one there."
        ]
    return lines + [
        f"WARNING: {name} was {how} {count:,} of the {one.data['sentences']:,} sentences{nearly}."
        for one in each
        for key, how, nearly in (
            ("trained_on", "trained on", ", or nearly the same ones"),
            ("chosen_on", "chosen and calibrated on", ""),
        )
        for name, count in one.data.get(key, {}).items()
        if count
    ]


def _metrics(evaluation: Evaluation) -> list[str]:
    shown = {name: figure for name, figure in evaluation.metrics.items() if figure["rows"]}
    sure = evaluation.without_doubtful
    head = ("metric", "value", "interval", "rows")
    rows = [(METRICS[name].title, *_cells(f, METRICS[name].format), f"{f['rows']:,}") for name, f in shown.items()]
    if sure is None:
        return _table(head, rows)
    both = [(*row, *_cells(sure[name], METRICS[name].format)) for row, name in zip(rows, shown, strict=True)]
    return _table((*head, f"without {evaluation.data['doubtful']} doubtful", "interval"), both)


def _side_by_side(comparison: Comparison) -> list[str]:
    each = comparison.evaluations
    counts, _, *notes = _data(each[0])  # without the smallest difference, which each pair has below
    lines = [counts, *notes, *_leaks(each), "", "Side by side (95 % intervals):"]
    lines += [f"  {letter}  {one.name}" for letter, one in zip(_letters(each), each, strict=True)]
    sure = [one.without_doubtful for one in each if one.without_doubtful]
    columns = tuple(cell for letter in _letters(each) for cell in (letter, "interval"))
    lines += _table(
        ("metric", *columns),
        [
            (METRICS[name].title, *(cell for one in each for cell in _cells(one.metrics[name], METRICS[name].format)))
            for name in each[0].metrics
            if any(one.metrics[name]["rows"] for one in each)
        ]
        + [
            (f"{METRICS[name].title} without doubtful", *(cell for one in sure for cell in _cells(one[name])))
            for name in ("macro_f1", "accuracy")
            if sure
        ],
    )
    lines += _table(
        ("F1 of label", *columns, "claims"),
        [
            (title(label), *(cell for one in each for cell in _cells(one.per_class[label]["f1"])), f"{c['support']:,}")
            for label, c in each[0].per_class.items()
        ],
    )
    for column, values in told(each[0].slices):
        lines += _table(
            (f"macro-F1 by {column}", *columns, "claims"),
            [
                (
                    value,
                    *(cell for one in each for cell in _cells(one.slices[column][value]["macro_f1"])),
                    f"{c['claims']:,}",
                )
                for value, c in values.items()
            ],
        )
    return [*lines, *_differences(comparison), *_baselines(each[0], model="A")]


def _differences(comparison: Comparison) -> list[str]:
    letters = dict(zip((one.name for one in comparison.evaluations), _letters(comparison.evaluations), strict=True))
    lines = ["", "Paired differences (p by permutation, two-sided):"]
    lines += _table(
        ("difference", "metric", "value", "interval", "p", "labels differ", "detectable from"),
        [
            (
                f"{letters[d['first']]} − {letters[d['second']]}",
                METRICS[d["metric"]].title,
                number(d["value"], "+.3f"),
                interval(d, "+.3f"),
                p_value(d["p_value"], comparison.evaluations[0].permutations),
                f"{d['differing']:,}",
                number(d["detectable"]) if d["metric"] != "macro_f1" else "",
            )
            for d in comparison.differences
        ],
    )
    return [*lines, "", *in_words(comparison), *_disagreement([(d, d["p_value"]) for d in comparison.differences])]


def in_words(comparison: Comparison) -> list[str]:
    """Return for each pair of models which of them is better, if that can be said."""
    pairs: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for difference in comparison.differences:
        pairs.setdefault((difference["first"], difference["second"]), {})[difference["metric"]] = difference

    def told(of: Mapping[str, Any]) -> str:
        sign = shown_sign(of["value"], of["low"], of["high"], of["p_value"])
        if not sign:
            return "cannot be told apart"
        name = of["first" if sign > 0 else "second"]
        if of.get("better", name) == name:  # files of earlier versions lack it
            return f"of {name} are better"
        return f"of {name} seem better, but it was trained on some of these sentences, so judge both on others"

    return [
        f"{first} and {second}: the labels of claims {told(found['macro_f1'])}; the answers to all sentences, no_claim "
        f"included, {told(found['answer_accuracy'])}."
        for (first, second), found in pairs.items()
        if "answer_accuracy" in found  # not in files of earlier versions
    ]


def _baselines(evaluation: Evaluation, model: str = "model") -> list[str]:
    if not evaluation.baselines:
        return []
    crossed = evaluation.baselines_fit == "cross-validation"
    where = "the held-out sentences themselves, by cross-validation" if crossed else "the training data"
    lines = ["", f"Baselines, fitted on {where} (p by permutation, two-sided):"]
    lines += _table(
        ("baseline", "macro-F1", "interval", f"{model} is better by", "interval", "p"),
        [
            (
                name,
                *_cells(b["macro_f1"]),
                number(b["difference"]["value"], "+.3f"),
                interval(b["difference"], "+.3f"),
                p_value(b["p_value"], evaluation.permutations),
            )
            for name, b in evaluation.baselines.items()
        ],
    )
    return lines + _disagreement([(b["difference"], b["p_value"]) for b in evaluation.baselines.values()])


def _disagreement(tests: Sequence[tuple[Mapping[str, Any], float]]) -> list[str]:
    """Return a note if the interval of a difference and its p-value point in different directions."""
    if all((d["low"] <= 0 <= d["high"]) == (p > SIGNIFICANT) for d, p in tests if d["low"] is not None):
        return []
    return [
        "",
        "One of these intervals excludes 0 although its p-value is above 0.05, or the reverse: the interval is from a",
        "bootstrap, p from permutations, and with few rows they can disagree. Take such a difference as not shown.",
    ]


def _letters(each: Sequence[Evaluation]) -> list[str]:
    return [chr(ord("A") + n) if n < 26 else str(n + 1) for n in range(len(each))]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        right = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        return "  ".join([row[0].ljust(widths[0]), *right[1:]]).rstrip()

    return ["", line(head), *map(line, rows)]


def _share(share: Mapping[str, Any]) -> tuple[str, str]:
    return percent(share["value"]), interval(share, ".0%")


def _cells(figure: Mapping[str, Any], form: str = ".3f") -> tuple[str, str]:
    spread = "" if figure.get("sd") is None else f" ± {format(figure['sd'], form)}"
    return number(figure["value"], form) + spread, interval(figure, form)
