"""What the README shows runs as it stands, on the model that ships."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import certainty
from certainty.cli import main
from certainty.model_folder import default_model

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_python_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    examples = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("probable") and "aurait" in first
    assert second.startswith("denied") and "dément" in second


def test_the_article_is_scored(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = re.findall(r"pip install \. && certainty (.*)", README)
    assert main(command.split()) == 0
    out = capsys.readouterr().out
    assert all(label in out for label in ("asserted", "probable", "opinion", "denied"))


def test_files_that_the_readme_links_are_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


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
