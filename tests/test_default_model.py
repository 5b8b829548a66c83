"""The model that ships is small, documented, and right where nobody doubts."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import certainty
from certainty import CertaintyError
from certainty.model_folder import DEFAULT_DIGEST, DEFAULT_FILES, default_model


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


@pytest.mark.parametrize("name", DEFAULT_FILES)
def test_the_shipped_model_is_the_one_that_the_code_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256((default_model() / name).read_bytes()).hexdigest()
    assert digest == DEFAULT_FILES[name], "a new model needs new DEFAULT_FILES"
    installed = tmp_path / "default_model"
    shutil.copytree(default_model(), installed)
    monkeypatch.setattr("certainty.model_info.installed_model", lambda: installed)
    assert certainty.load(installed).model.digest == DEFAULT_DIGEST
    changed = (installed / name).read_bytes()
    # A space, or a byte that no reader looks at or that changes a weight.
    changed = changed + b" " if name.endswith(".json") else changed[:-1] + bytes([changed[-1] ^ 1])
    (installed / name).write_bytes(changed)
    with pytest.raises(CertaintyError, match=rf"{name}: (is not that of the model|damaged)"):
        certainty.load(installed)
