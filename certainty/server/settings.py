"""The settings of the server, from options and from the environment variables `CERTAINTY_…`."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from certainty.engines import EngineName
from certainty.errors import CertaintyError
from certainty.server.options import ENV_PREFIX, OPTIONS, flag, variable

_ORIGIN = re.compile(r"\*|https?://[^/\s,]+")
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\]")
_SECRETS = ("api_key",)
# What is allowed, for the errors that pydantic words for programmers.
_ALLOWED = {
    "int_parsing": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number",
    "finite_number": "it must be a number",
    "path_not_file": "there is no such file",
    "string_pattern_mismatch": "it must be a path such as /certainty",  # only root_path has a pattern
}


def _default(name: str) -> Any:
    return OPTIONS[name].default


def _listed(given: object) -> object:
    """Return the parts of a string between its commas."""
    if not isinstance(given, str):
        return given
    parts = [part.strip().lower() for part in given.split(",")]
    if given.strip() and not all(parts):
        raise ValueError("there is nothing on one side of a comma; leave the comma out")
    return [part for part in parts if part]


Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class ServerSettings(BaseSettings):
    """Where the server listens, which requests it answers, and their limits.

    Settings that are not given are read from the environment: `max_texts` from `CERTAINTY_MAX_TEXTS`.

    Attributes:
        host: Address to listen on.
        port: Port; 0 picks a free one.
        workers: Number of processes.
        root_path: Path under which a reverse proxy serves the app, whether or not the proxy strips it.
        timeout_keep_alive: Seconds that a connection stays open without a request.
        ssl_certfile: Certificate for HTTPS.
        ssl_keyfile: Private key of the certificate.
        log_level: Lowest level that is logged.
        api_key: Key that requests to `/v1` must carry; if None, no key is needed.
        cors_origins: Origins whose pages may send requests; "*" stands for all.
        allowed_hosts: Host names that requests may be addressed to; if empty, any.
        max_body_bytes: Bytes of the body of a request, decompressed; on the streaming route, of a line.
        max_characters: Characters of a text, or of a sentence in `sentences`.
        max_texts: Texts of a request.
        max_sentences: Sentences of a request; on the streaming route, of a line.
        max_requests: Requests that wait or are being scored at a time; with `max_body_bytes`, it also limits the memory
            for bodies that arrive and answers that are taken.
        timeout: Seconds to score a request, and to wait for a client to send or take more; a whole body, or a line on
            the streaming route, may take as long plus a second per 1,000 bytes.
        batch_characters: Characters after which a batch is full; a longer text is scored alone.
        batch_delay: Seconds that a single text waits for those of other requests under way to share its batch.
        model: Folder of the model, or `owner/name`; None stands for the shipped model.
        engine: Engine that runs the model; None takes the one that the model names.
        threads: CPU threads of each worker; None shares the cores among the workers.
        device: Device that runs the model; None takes a CUDA GPU if the engine is torch and there is one, else the CPU.

    Raises:
        CertaintyError: If a value is not allowed; the message names it and what is.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    host: str = _default("host")
    port: int = Field(_default("port"), ge=0, le=65535)
    workers: Count = _default("workers")
    root_path: str = Field(_default("root_path"), pattern=r"^(/[^/?#\s]+)*$")
    timeout_keep_alive: Count = _default("timeout_keep_alive")
    ssl_certfile: FilePath | None = _default("ssl_certfile")
    ssl_keyfile: FilePath | None = _default("ssl_keyfile")
    log_level: Literal["debug", "info", "warning", "error", "critical"] = _default("log_level")

    api_key: SecretStr | None = _default("api_key")
    cors_origins: Listed = _default("cors_origins")
    allowed_hosts: Listed = _default("allowed_hosts")

    max_body_bytes: Count = _default("max_body_bytes")
    max_characters: Count = _default("max_characters")
    max_texts: Count = _default("max_texts")
    max_sentences: Count = _default("max_sentences")
    max_requests: Count = _default("max_requests")
    timeout: Seconds = _default("timeout")
    batch_characters: Count = _default("batch_characters")
    batch_delay: float = Field(_default("batch_delay"), ge=0)

    model: str | None = None
    engine: EngineName | None = None
    threads: Count | None = None
    device: str | None = None

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise CertaintyError(" ".join(map(_told, error.errors(include_url=False)))) from None

    @field_validator("root_path", mode="before")
    @classmethod
    def _without_slash(cls, given: object) -> object:
        return given.rstrip("/") if isinstance(given, str) else given

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, given: SecretStr | None) -> SecretStr | None:
        key = None if given is None else given.get_secret_value()
        if key is None:
            return given
        if not key:
            raise ValueError("it is empty; give a key, or leave it out")
        if not key.isascii() or not (key.isprintable() and key == key.strip()):
            raise ValueError("it must consist of printable ASCII characters, so that it can be sent in a header")
        return given

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for origin in given:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is not an origin; give a scheme and a host, such as https://example.org")
        return given

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for host in given:
            if not _HOST.fullmatch(host):
                raise ValueError(
                    f"{host} is not a host name; give one without scheme and port, such as example.org or *.example.org"
                )
        return given

    @model_validator(mode="after")
    def _certificate(self) -> ServerSettings:
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError(f"ssl_keyfile needs a certificate; give ssl_certfile too ({flag('ssl_certfile')})")
        if self.ssl_certfile:
            try:
                ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
            except (OSError, ssl.SSLError) as error:
                raise ValueError(
                    f"ssl_certfile {self.ssl_certfile}: cannot be used with its key ({error}); give PEM files of a "
                    "certificate and its key"
                ) from error
        return self


def refuse_misspelt(variables: Iterable[str]) -> None:
    """Refuse environment variables that look like misspelt settings: a misspelt key would leave the server open.

    Other variables that begin with CERTAINTY_ are ignored; Kubernetes sets some for a service of that name.

    Raises:
        CertaintyError: If there is such a variable.
    """
    known = [name.upper() for name in ServerSettings.model_fields]
    for name in variables:
        rest = name.upper().removeprefix(ENV_PREFIX)
        if name.upper().startswith(ENV_PREFIX) and rest not in known:
            for close in get_close_matches(rest, known, n=1, cutoff=0.75):
                raise CertaintyError(f"{name}: no such variable. Did you mean {ENV_PREFIX}{close}?")


def _told(error: ErrorDetails) -> str:
    """Return an error of pydantic as a sentence."""
    # Ours, or one of pydantic, such as "Input should be greater than 0".
    message = _ALLOWED.get(error["type"]) or str(error.get("ctx", {}).get("error") or error["msg"])
    message = message.replace("Input should be", "it must be", 1).rstrip(".")
    if not error["loc"]:
        return f"{message}."
    name = str(error["loc"][0])
    if name not in ServerSettings.model_fields:
        return f"{name}: no such setting. Allowed: {', '.join(ServerSettings.model_fields)}."
    given = f"{name}: " if name in _SECRETS else f"{name} is {error['input']!r}; "
    return f"{given}{message} (option {flag(name)}, variable {variable(name)})."
