"""The settings of the server: options, variables of the environment, and the files that use them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from certainty.cli import main
from certainty.errors import CertaintyError
from certainty.server.options import OPTIONS, variable
from certainty.server.settings import ServerSettings, refuse_misspelt

ROOT = Path(__file__).parent.parent


def test_the_environment_sets_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("MAX_TEXTS", "7"),
        ("TIMEOUT", "2.5"),
        ("API_KEY", "k"),
        ("CORS_ORIGINS", "https://a.example, http://b.example:80"),
        ("ROOT_PATH", "/certainty/"),
        ("WORKERS", ""),
        ("MODEL", "mine"),
        ("THREADS", "3"),
    ):
        monkeypatch.setenv(f"CERTAINTY_{name}", value)
    settings = ServerSettings(timeout="4")
    assert (settings.max_texts, settings.timeout, settings.workers) == (7, 4.0, OPTIONS["workers"].default)
    assert settings.cors_origins == ("https://a.example", "http://b.example:80")
    assert (settings.root_path, settings.model, settings.threads) == ("/certainty", "mine", 3)
    assert settings.api_key and settings.api_key.get_secret_value() == "k"
    assert "'k'" not in repr(settings)


def test_every_option_is_a_setting_with_the_default_that_the_help_shows() -> None:
    settings = dict(ServerSettings())
    assert {name: option.default for name, option in OPTIONS.items()} == {name: settings[name] for name in OPTIONS}
    assert set(settings) == {*OPTIONS, "model", "engine", "threads", "device"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"workers": "0"}, "workers is '0'; it must be greater than or equal to 1 (option --workers"),
        ({"port": "tcp://10.0.0.7:8000"}, "variable CERTAINTY_PORT"),
        ({"max_texts": "many"}, "max_texts is 'many'; it must be a whole number (option --max-texts"),
        ({"timeout": "long"}, "timeout is 'long'; it must be a number (option"),
        ({"api_key": ""}, "api_key: it is empty; give a key, or leave it out (option --api-key"),
        ({"log_level": "loud"}, "log_level is 'loud'; it must be 'debug', 'info'"),
        ({"root_path": "certainty"}, "root_path is 'certainty'; it must be a path such as /certainty ("),
        ({"cors_origins": "https://a.example/"}, "https://a.example/ is not an origin"),
        ({"cors_origins": "a.example"}, "a.example is not an origin"),
        ({"ssl_certfile": "no/such.pem"}, "ssl_certfile is 'no/such.pem'; there is no such file ("),
        ({"ssl_keyfile": __file__}, "ssl_keyfile needs a certificate"),
        ({"ssl_certfile": __file__}, "cannot be used with its key"),
        ({"allowed_hosts": "a.*"}, "a.* is not a host name"),
        ({"allowed_hosts": "https://a.example"}, "https://a.example is not a host name"),
        ({"allowed_hosts": "a.example:8000"}, "a.example:8000 is not a host name"),
        ({"allowed_hosts": ","}, "nothing on one side of a comma"),
        ({"engine": "tpu"}, "engine is 'tpu'"),
        ({"max_text": 3}, "max_text: no such setting. Allowed: host, port"),
    ],
)
def test_a_wrong_setting_says_what_is_allowed(given: dict[str, Any], words: str) -> None:
    with pytest.raises(CertaintyError) as caught:
        ServerSettings(**given)
    assert words in str(caught.value)


@pytest.mark.parametrize("key", ["", "clé-SECRET", "SECRET ", "SEC\nRET"])
def test_a_key_that_no_header_can_bring_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(CertaintyError, match="api_key: ") as caught:
        ServerSettings(api_key=key)
    assert "SEC" not in str(caught.value)


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CERTAINTY_API_KYE", "SECRET")
    assert main(["serve", "--port", "0"]) == 2
    said = capsys.readouterr().err
    assert said == "error: CERTAINTY_API_KYE: no such variable. Did you mean CERTAINTY_API_KEY?\n"
    # What Kubernetes sets for a service of that name is not ours.
    refuse_misspelt(["CERTAINTY_SERVICE_HOST", "CERTAINTY_SERVICE_PORT", "CERTAINTY_PORT_8000_TCP_ADDR", "PATH"])


def test_the_help_needs_no_library_of_the_server() -> None:
    program = "import sys; from certainty.cli import main; main(['serve', '--help'])"
    libraries = ["pydantic", "pydantic_settings", "fastapi", "uvicorn"]
    blocked = f"import sys; sys.modules.update(dict.fromkeys({libraries}))"
    done = subprocess.run([sys.executable, "-c", f"{blocked}; {program}"], capture_output=True, text=True)
    assert done.returncode == 0 and "--cors-origins" in done.stdout, done.stderr


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "docs/pages/how-to/deploy.md"])
def test_what_is_deployed_names_settings_that_there_are(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    named = set(re.findall(r"\bCERTAINTY_[A-Z_]+\b", text))
    assert named and named <= {variable(name) for name in ServerSettings.model_fields}
    flags = set(re.findall(r"certainty serve((?: --[\w-]+(?: [\w./:]+)?)+)", text))
    options = {flag.lstrip("-").replace("-", "_") for words in flags for flag in re.findall(r"--[\w-]+", words)}
    assert options <= set(ServerSettings.model_fields)


def test_the_container_has_a_key_only_if_there_is_one() -> None:
    yaml = pytest.importorskip("yaml")
    environment = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["certainty"]["environment"]
    assert environment["CERTAINTY_API_KEY"] is None  # Compose passes on what is set, and leaves out what is not


@pytest.mark.skipif(not (ROOT / "certainty").is_dir(), reason="tests the installed package, without a checkout")
def test_the_container_starts_what_is_installed() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    command = json.loads(next(line.removeprefix("CMD ") for line in lines if line.startswith("CMD ")))
    assert command == ["certainty", "serve"]
    assert any(line.startswith("USER ") and not line.endswith(("root", " 0")) for line in lines)
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    copied = {name for names in copies for name in names}
    assert copied and all((ROOT / name).exists() for name in copied)
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert kept == copied


def test_hosts_and_origins_are_compared_in_lower_case() -> None:
    settings = ServerSettings(allowed_hosts="A.example, *.B.example", cors_origins="https://A.example")
    assert settings.allowed_hosts == ("a.example", "*.b.example")
    assert settings.cors_origins == ("https://a.example",)


@pytest.mark.parametrize("setting", ["max_texts", "timeout", "batch_characters"])
def test_settings_out_of_range(setting: str) -> None:
    with pytest.raises(CertaintyError, match=f"{setting} is -1"):
        ServerSettings(**{setting: -1})
