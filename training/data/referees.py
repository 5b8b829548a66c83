"""Turn annotations that people made for other purposes into a behaviour test.

`python -m training.data.referees --referees DIR --output referees.jsonl`, then
`certainty evaluate --behaviour referees.jsonl`

None of them has our labels, but each says something that our labels must agree with:

- `ud_syntax.jsonl`: French treebanks of Universal Dependencies (https://universaldependencies.org), written and spoken,
  by the mood, polarity and type of the main clause.
- `ud_attribution.jsonl`: the same treebanks, by verbs of saying.
- `annodis_attribution.jsonl`: the relation of attribution in ANNODIS (http://redac.univ-tlse2.fr/corpus/annodis).
- `e3c_events.jsonl`: polarity and modality of the events in French clinical cases of E3C
  (https://live.european-language-grid.eu/catalogue/corpus/7618).

Their licences do not allow us to publish the sentences. A row has `id`, `text`, and `cls`, `human_attribution` or
`events`. A disagreement is not always an error of the model: a polite conditional asserts, and *sans fièvre* negates an
event in a sentence that asserts another.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.writing import whole_file
from training.program import tells_errors

_HEDGED = ["probable", "personal_opinion"]
_NEGATED = ["denied", "personal_opinion", "probable"]
SYNTAX: dict[str, tuple[str, Any]] = {
    "a_cond": ("conditional", _HEDGED),
    "a2_cond_modal": ("conditional of a modal verb", _HEDGED),
    "a3_cond_saying": ("conditional of a verb of saying", _HEDGED),
    "a4_cond_si": ("conditional with si", _HEDGED),
    "b_neg": ("negated", _NEGATED),
    "b_neg_saying": ("negated verb of saying", _NEGATED),
    "b2_neg_none": ("negated without ne", _NEGATED),
    "c_question": ("question", "no_claim"),
    "d_imperative": ("imperative", "no_claim"),
    "e_plain": ("plain indicative", "asserted"),
}
"""Construction and right answers for each class of `ud_syntax.jsonl`."""
ATTRIBUTION: dict[str, tuple[str, bool]] = {
    "pos_verb_root": ("verb of saying", True),
    "pos_verb_parataxis": ("inserted verb of saying", True),
    "pos_selon": ("selon, d'après", True),
    "neg_first_person": ("first person", False),
    "neg_plain": ("nobody says", False),
}
"""Construction and attribution for each class of `ud_attribution.jsonl`."""
SPOKEN = ("rhapsodie", "parisstories")


def syntax(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the construction and the right answers of a row of `ud_syntax.jsonl`."""
    construction, label = SYNTAX[row["cls"]]
    return {"construction": f"{_medium(row)}: {construction}", "label": label}


def attribution(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the construction and the right attribution of a row of `ud_attribution.jsonl`."""
    construction, attributed = ATTRIBUTION[row["cls"]]
    return {"construction": f"{_medium(row)}: {construction}", "attributed": attributed}


def discourse(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the construction and the right attribution of a row of `annodis_attribution.jsonl`."""
    attributed = bool(row["human_attribution"])
    return {"construction": f"discourse: {'' if attributed else 'no '}attribution", "attributed": attributed}


def events(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the construction and the right answers of a row of `e3c_events.jsonl`, or None if its events disagree."""
    polarity = {event["pol"] for event in row["events"]}
    modality = {event["mod"] for event in row["events"]}
    if "HEDGED" in modality:
        return {"construction": "clinical: a hedged event", "label": "probable"}
    if modality != {"ACTUAL"} or len(polarity) > 1:
        return None
    negated = polarity == {"NEG"}
    return {
        "construction": f"clinical: {'negated' if negated else 'actual'} events",
        "label": "denied" if negated else "asserted",
    }


REFEREES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any] | None]] = {
    "ud_syntax.jsonl": syntax,
    "ud_attribution.jsonl": attribution,
    "annodis_attribution.jsonl": discourse,
    "e3c_events.jsonl": events,
}
"""How to read a row of each file; None leaves it out."""


def referee_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the behaviour test, from the files of a folder that are there; those of `test` are left out.

    Raises:
        CertaintyError: None of the files is in the folder, or a row lacks a field or has an unknown class.
    """
    files = [folder / name for name in REFEREES if (folder / name).is_file()]
    if not files:
        raise CertaintyError(f"{folder}: none of {', '.join(REFEREES)} is in this folder.")
    for path in files:
        for number, row in read_json_lines(path):
            try:
                answers = None if row.get("in_test") else REFEREES[path.name](row)
                if answers:
                    yield {"id": row["id"], "text": row["text"], "kind": "mft", **answers}
            except (KeyError, TypeError) as error:
                raise CertaintyError(
                    f"{path}, line {number}: a field or class is missing or unknown ({error})."
                ) from None


def _medium(row: Mapping[str, Any]) -> str:
    return "spoken" if row["tb"] in SPOKEN else "written"


@tells_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--referees", type=Path, required=True, metavar="DIR", help=f"folder with {', '.join(REFEREES)}"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="JSONL", help="file to write to")
    arguments = parser.parse_args(argv)
    with whole_file(arguments.output) as out:
        write_json_lines(referee_rows(arguments.referees), out)


if __name__ == "__main__":
    sys.exit(main())
