"""The mixture that an encoder is adapted on."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from training.data.retyping import retyped
from training.pretraining.mixture import main


@pytest.fixture
def text(tmp_path: Path) -> Path:
    folder = tmp_path / "text"
    folder.mkdir()
    with lzma.open(folder / "news.txt.xz", "wt", encoding="utf-8") as lines:
        lines.write("".join(f"Le maire n'a pas signé l'arrêté {i}.\n" for i in range(300)))
    (folder / "debates.txt").write_text("".join(f"Je ne crois pas à l'accord {i}.\n" for i in range(300)), "utf-8")
    return folder


def test_shares_and_typing(text: Path, tmp_path: Path) -> None:
    arguments = ["--text", str(text), "--shares", "news.txt.xz=0.75", "debates.txt=0.25", "--words", "800"]
    for name in ("a", "b"):
        assert main([*arguments, "--retyped", "0.3", "--output", str(tmp_path / name)]) == 0
    news, debates = (
        (tmp_path / "a" / name).read_text(encoding="utf-8").splitlines() for name in ("news.txt", "debates.txt")
    )
    assert 80 <= len(news) <= 120
    assert 25 <= len(debates) <= 40
    printed = {f"Le maire n'a pas signé l'arrêté {i}." for i in range(300)}
    typed = [line for line in news if line not in printed]
    assert 0.15 * len(news) < len(typed) < 0.45 * len(news)
    assert set(typed) <= {retyped(line, 1, 1.0).text for line in printed}
    assert (tmp_path / "b" / "news.txt").read_text(encoding="utf-8").splitlines() == news


@pytest.mark.parametrize("shares", [["news.txt.xz=1"], ["news.txt.xz=half", "debates.txt=0.5"]])
def test_wrong_shares_are_told(
    text: Path, tmp_path: Path, shares: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--text", str(text), "--shares", *shares, "--output", str(tmp_path / "out")]) == 2
    assert "--shares" in capsys.readouterr().err
