"""Forty rows of ten documents under a user's names of labels, for tests of training on few rows."""

from __future__ import annotations

from certainty.labelled import LabelledSentence, read_labelled

TOWNS = ("Sète", "Brest", "Lens", "Auch", "Dole", "Metz", "Vire", "Laon", "Foix", "Gap")
PLACES = ("pont", "marché", "lycée", "port", "cinéma", "stade", "musée", "moulin", "phare", "château")
WORDINGS = {
    "asserted": "À {}, le {} est fermé.",
    "rumeur": "{} vendrait son {}.",
    "personal_opinion": "Quelle honte que {} et ce {} !",
    "denied": "Personne à {} ne visite ce {}.",
}


def rows_of_documents() -> list[dict[str, str]]:
    """Ten documents, each with a sentence of each label under a user's names; they differ by the town."""
    return [
        {"text": wording.format(town, place), "label": name, "document": town}
        for town, place in zip(TOWNS, PLACES, strict=True)
        for name, wording in WORDINGS.items()
    ]


def sentences_of_documents() -> list[LabelledSentence]:
    """Return these rows, as they are read."""
    return read_labelled(rows_of_documents(), {"rumeur": "probable"})
