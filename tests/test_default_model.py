"""The model that ships is small, documented, and right where nobody doubts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import certainty
from certainty import CertaintyError
from certainty.model_folder import DEFAULT_DIGEST, default_model


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("Le conseil municipal a adopté le budget mardi soir.", "asserted"),
        ("Le projet pourrait être abandonné dès l'automne.", "probable"),
        ("Le suspect aurait quitté le pays dans la nuit.", "probable"),
        ("Je pense que cette réforme est une erreur.", "personal_opinion"),
        ("Le porte-parole a démenti toute négociation.", "denied"),
        ("Aucun passager n'a été blessé.", "denied"),
    ],
)
def test_plain_sentences_get_the_obvious_label(sentence: str, label: str) -> None:
    (score,) = certainty.score(sentence)
    assert score.label == label
    assert score.is_claim


def test_the_shipped_model_is_small_and_documented() -> None:
    folder = default_model()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40 * 2**20
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert set(evaluation) >= {"dev", "test", "contrast"}
    assert all("text" not in error for split in evaluation.values() for error in split["errors"])
    assert "## Limits" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_shipped_model_is_the_one_that_the_code_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert certainty.load().model.digest == DEFAULT_DIGEST, "a new model needs a new DEFAULT_DIGEST"
    installed = tmp_path / "default_model"
    shutil.copytree(default_model(), installed)
    monkeypatch.setattr("certainty.model_info.installed_model", lambda: installed)
    assert certainty.load(installed).score("Moscou dément.")
    weights = bytearray((installed / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (installed / "model.safetensors").write_bytes(weights)
    with pytest.raises(CertaintyError, match="is not the model that this release ships"):
        certainty.load(installed).score("Moscou dément.")
