"""Every Python and shell example of the README and of the site runs, on the example data and a tiny encoder.

Sybil finds the examples. Those of a page share a folder and, in Python, their names. One that cannot run here has a
comment before it in the page, `<!-- skip: next "reason" -->`, and its reason in `NOT_RUN`.
"""

from __future__ import annotations

import contextlib
import glob
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Template
from unittest import SkipTest

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from certainty.cli import main
from certainty.evaluation import metric_table
from certainty.labelled import read_labelled
from certainty.model_folder import default_model

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
PAGES = {
    "README.md": ROOT / "README.md",
    "README.fr.md": ROOT / "README.fr.md",
    **{str(path.relative_to(ROOT / "docs/pages")): path for path in sorted((ROOT / "docs/pages").rglob("*.md"))},
}
NOT_RUN = {
    "README.md": ["builds the site", "runs these tests"],
    "README.fr.md": ["builds the site", "runs these tests"],
    "how-to/retrain.md": ["trains six times", "trains six times", "takes hours"],
    "fr/reentrainer.md": ["trains six times", "trains six times", "takes hours"],
    "how-to/gpu.md": [
        "downloads an encoder from the hub",
        "needs several GPUs",
        "pretrains for hours on texts that are not part of the repository",
        "trains for an hour on texts that are not part of the repository",
    ],
}
_README = [r"^probable [\d.]+ True \[.*'aurait", r"^denied [\d.]+ \w+ \[.*'dément'"]
PRINTED = {"README.md": _README, "README.fr.md": _README}
LANGUAGES = {"python", "sh", "text", "yaml"}
DISTRIBUTION = "certainty-fr"  # what pip calls it
SERVER = "http://127.0.0.1:8000"  # what the pages say; the tests take a free port


class Runner:
    """Runs the examples of a page."""

    def __init__(self) -> None:
        self.servers = contextlib.ExitStack()
        self.address = SERVER

    def python(self, example: Example) -> None:
        source = example.parsed.replace(SERVER, self.address)
        padding = "\n" * (example.line + example.parsed.line_offset)  # for the line numbers of a traceback
        exec(compile(padding + source, example.path, "exec"), example.namespace)

    def shell(self, example: Example) -> None:
        lines = example.parsed.replace("\\\n", " ").replace(SERVER, self.address).splitlines()
        for command in (command for line in lines for command in line.split(" && ")):
            self._run(shlex.split(command, comments=True), f"{example.path}, line {example.line}: {command}")

    def _run(self, words: list[str], where: str) -> None:
        match words:
            case []:
                pass
            case ["python", "-m", "pip", "install", "--upgrade", "pip>=25.1"]:
                pass
            case ["pip", "install", *arguments]:  # it is not run, but the extras that it names must be there
                extras = {
                    extra for word in arguments for group in re.findall(r"\[(.*)\]", word) for extra in group.split(",")
                }
                known = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE))
                assert extras <= known, where
            case ["certainty", "serve", *arguments]:
                self._serve(arguments)
            case ["certainty", *arguments]:
                assert main(list(expanded(arguments))) == 0, where
            case ["python", "-m", module, *arguments] if module.startswith("training."):
                assert import_module(module).main(list(expanded(arguments))) == 0, where
            case ["curl", *arguments]:
                subprocess.run(["curl", "--fail-with-body", "--silent", "--show-error", *arguments], check=True)
            case _:
                pytest.fail(f"{where}: the tests cannot run this; mark it with a reason, see {__name__}")

    def _serve(self, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "certainty", "serve", "--port", "0", *arguments]
        process = self.servers.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self.servers.callback(process.terminate)
        assert process.stdout is not None
        (self.address,) = re.findall(r"http://\S+", process.stdout.readline())


def expanded(arguments: list[str]) -> Iterator[str]:
    """Yield the arguments with their wildcards replaced by the files, as a shell does."""
    for argument in arguments:
        yield from sorted(glob.glob(argument)) if "*" in argument else [argument]


@pytest.fixture
def workplace(tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like a copy of the repository, with the files that the README calls the user's own."""
    shutil.copytree(EXAMPLES, tmp_path / "docs" / "examples")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "encoder-fr-small").symlink_to(tiny_encoder)
    (tmp_path / "models" / "certainty-fr-small").symlink_to(default_model())
    shutil.copy(EXAMPLES / "article.txt", tmp_path)
    for name, source in (("my.jsonl", "train.csv"), ("my_dev.jsonl", "dev.csv"), ("held_out.jsonl", "test.csv")):
        rows = ({"text": s.text, "label": s.label} for s in read_labelled(EXAMPLES / source))
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page: str, workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runner = Runner()
    parsers = [CodeBlockParser("python", runner.python), CodeBlockParser("sh", runner.shell), SkipParser()]
    not_run = []
    with runner.servers:
        for example in Sybil(parsers).parse(PAGES[page]).examples():
            try:
                example.evaluate()
            except SkipTest as skipped:
                not_run.append(str(skipped))
    assert not_run == NOT_RUN.get(page, [])
    printed = capfd.readouterr().out
    assert [line for line in PRINTED.get(page, []) if not re.search(line, printed, flags=re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_block_names_a_language_that_is_run_or_shown(page: str) -> None:
    fences = re.findall(r"^[ ]*```(.*)$", PAGES[page].read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


def test_the_french_readme_says_what_the_english_one_says() -> None:
    """The same examples, but for their comments, and the same figures in the same order."""
    english, french = (ROOT / name for name in ("README.md", "README.fr.md"))
    texts = [page.read_text(encoding="utf-8") for page in (english, french)]
    blocks = [re.findall(r"^```(.*?)^```", text, flags=re.DOTALL | re.MULTILINE) for text in texts]
    codes = [[re.sub(r"  # .*", "", block) for block in found] for found in blocks]
    assert codes[0] == codes[1]
    tables = ["\n".join(re.findall(r"^\| .*$", text, flags=re.MULTILINE)) for text in texts]
    figures = [re.findall(r"\d+(?:[.,]\d+)?", re.sub(r"`[^`]*`", "", table)) for table in tables]
    assert figures[0] == [figure.replace(",", ".") for figure in figures[1]]
    links = [set(re.findall(r"\]\(([^)]+)\)", text)) for text in texts]
    assert links[0] - links[1] <= {"README.fr.md"}


def test_the_page_of_the_metrics_has_all() -> None:
    page = (ROOT / "docs/pages/reference/metrics.md").read_text(encoding="utf-8")
    assert page.endswith(f"\n\n{metric_table.markdown().strip()}\n")


def programs(page: Path) -> Iterator[list[str]]:
    """Yield the commands of a page's shell blocks, with the variables that the page sets in place of their names."""
    variables: dict[str, str] = {}
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if assigned := re.fullmatch(r'(\w+)="(.*)"', line.strip()):
                variables[assigned[1]] = assigned[2]
            else:
                yield shlex.split(Template(line).safe_substitute(variables), comments=True)


def test_the_commands_that_rebuild_our_models_are_those_of_the_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = 0
    for words in programs(ROOT / "training" / "README.md"):
        match words:
            case ["python", "-m", module, *arguments] if module.startswith("training."):
                action = [word for word in arguments[:1] if not word.startswith("-")]  # of a program with several
                program, words = import_module(module).main, [module, *action, "--help"]
            case ["certainty", "label", action, *arguments]:
                program, words = main, ["certainty", "label", action, "--help"]
            case ["certainty", command, *arguments]:
                program, words = main, ["certainty", command, "--help"]
            case _:
                continue
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit, match="0"):
            program()
        known = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
        assert {word for word in arguments if word.startswith("--")} <= known, arguments
        assert [word for word in arguments if word.startswith("training/") and not (ROOT / word).is_file()] == []
        checked += 1
    assert checked == 26


def test_the_example_data_are_distinct() -> None:
    files = [read_labelled(EXAMPLES / name) for name in ("train.csv", "dev.csv", "test.csv")]
    texts = [sentence.text for sentences in files for sentence in sentences]
    assert len(texts) == len(set(texts))
