"""Tiny encoders and models, made once a session and written to disk; nothing is downloaded."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from command_line import TEXT, Score

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from serving import Held
    from starlette.testclient import TestClient

    from certainty import CertaintyClassifier

pytest.register_assert_rewrite("archiving", "documenting", "serving")  # so that they, too, tell the values
os.environ["HF_HUB_OFFLINE"] = "1"
_graphs = TemporaryDirectory(prefix="certainty-graphs-")  # not the user's cache
os.environ["CERTAINTY_CACHE"] = _graphs.name
os.environ.setdefault("OMP_NUM_THREADS", "1")  # matrices this small only wait for each other's threads

DATA = Path(__file__).parent / "data"

# Without torch (the group `light` of pyproject.toml) the rest of the library is tested by itself: what a file imports
# at its top tells whether it can be.
if find_spec("torch") is None:
    _IMPORTS = re.compile(r"^(?:from|import) ((?:certainty\.)?\w+)", re.MULTILINE)
    _TRAIN = {"certainty.evaluation", "certainty.finetuning", "certainty.engines.modeling", "evaluating", "training"}

    def _can_run(test: Path) -> bool:
        names = set(_IMPORTS.findall(test.read_text(encoding="utf-8")))
        return not names & _TRAIN and all(find_spec(name.split(".")[0]) for name in names)

    collect_ignore = [test.name for test in Path(__file__).parent.glob("test_*.py") if not _can_run(test)]


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CamemBERT encoder of two layers with random weights and its own tokenizer."""
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[train]'")
    from transformers import CamembertConfig, CamembertForMaskedLM

    from certainty.finetuning.origin import ORIGIN_FILE
    from certainty.labelled import read_labelled
    from training.pretraining.tokenizer import for_transformers, train_tokenizer

    torch.manual_seed(0)
    texts = [sentence.text for sentence in read_labelled(DATA / "tiny.jsonl")]
    tokenizer = train_tokenizer(texts * 20, 400)
    folder = tmp_path_factory.mktemp("encoder")
    config = CamembertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=1,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    CamembertForMaskedLM(config).save_pretrained(folder)
    for_transformers(tokenizer, max_length=64).save_pretrained(folder)
    source = {"name": "someone/encoder", "paper": "Doe 2020, arXiv:2001.00001", "license": "MIT", "role": "all weights"}
    (folder / ORIGIN_FILE).write_text(json.dumps({"sources": [source]}))
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder fine-tuned for two epochs on the tiny data, through the public command."""
    from certainty.cli import main

    folder = tmp_path_factory.mktemp("models") / "tiny"
    config = folder.with_suffix(".yaml")
    config.write_text(
        "epochs: 2\nbatch_size: 8\nlearning_rate: 0.003\nbf16: false\npooling_layer: true\nattention_weight: 0.3\n"
    )
    arguments = ["--train", DATA / "tiny.jsonl", "--dev", DATA / "tiny_dev.jsonl", "--encoder", tiny_encoder]
    arguments += ["--config", config, "--output", folder]
    assert main(["train", *map(str, arguments)]) == 0
    return folder


@pytest.fixture(scope="module")
def classifier() -> CertaintyClassifier:
    """The shipped model, on one thread."""
    import certainty

    return certainty.load(threads=1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


@pytest.fixture
def score(tiny_model: Path) -> Score:
    """The command `certainty score` with the tiny model, which returns its exit status."""
    from certainty.cli import main

    def run(*arguments: object) -> int:
        return main(["score", "--model", str(tiny_model), *map(str, arguments)])

    return run


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `certainty.load` open the stand-in; a second model gets one sentence wrong."""
    from evaluating import SENTENCES, StandIn

    import certainty

    wrong = {"first": [], "second": [SENTENCES[0].text], "third": [SENTENCES[0].text, SENTENCES[5].text]}
    monkeypatch.setattr(certainty, "load", lambda folder: StandIn(wrong[Path(folder or "first").name]))


@pytest.fixture(scope="module")
def client(classifier: CertaintyClassifier) -> Iterator[TestClient]:
    """A client of a server whose limits are low."""
    from starlette.testclient import TestClient

    from certainty.server.app import create_app
    from certainty.server.settings import ServerSettings

    settings = ServerSettings(max_body_bytes=4000, max_characters=500, max_texts=4, max_sentences=10)
    with TestClient(create_app(classifier, settings)) as client:
        yield client


@pytest.fixture
def held(classifier: CertaintyClassifier) -> Iterator[Held]:
    """The shipped classifier, that begins to score when it is released."""
    from serving import Held

    held = Held(classifier)
    yield held
    held.released.set()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system, that asks nothing of the network by itself."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield started
        started.close()
