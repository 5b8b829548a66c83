"""The options of the server with their defaults, for `certainty serve --help`; needs no library of the server."""

from __future__ import annotations

from typing import Any, NamedTuple

ENV_PREFIX = "CERTAINTY_"


class Option(NamedTuple):
    """An option of `certainty serve`, which is also an environment variable.

    Attributes:
        default: Default value.
        help: Text for the help.
        metavar: Placeholder for the value in the help.
    """

    default: Any
    help: str
    metavar: str = "N"


LISTENING = {
    "host": Option("127.0.0.1", "address to listen on; 0.0.0.0 is every IPv4 address of this machine", "ADDRESS"),
    "port": Option(8000, "port; 0 picks a free one"),
    "workers": Option(1, "processes; each loads the model and keeps its own limits and metrics"),
    "root_path": Option("", "path under which a reverse proxy serves the app, such as /certainty", "PATH"),
    "timeout_keep_alive": Option(
        120, "seconds that a connection is kept open without a request; set more than in the proxy", "SECONDS"
    ),
    "ssl_certfile": Option(None, "certificate (PEM); the server then speaks HTTPS", "FILE"),
    "ssl_keyfile": Option(
        None, "private key of the certificate, unless the file of the certificate contains it", "FILE"
    ),
    "log_level": Option("info", "debug, info, warning, error or critical", "LEVEL"),
}
ACCESS = {
    "api_key": Option(
        None,
        "key that requests to /v1 must carry; on a shared machine set the variable, as other users can see options",
        "KEY",
    ),
    "cors_origins": Option((), "origins whose pages may send requests, separated by commas, or * for all", "ORIGINS"),
    "allowed_hosts": Option(
        (), "host names that requests may be addressed to, separated by commas (default: any)", "HOSTS"
    ),
}
LIMITS = {
    "max_body_bytes": Option(4_000_000, "bytes of a request body, decompressed, or of a streamed line"),
    "max_characters": Option(100_000, "characters of a text"),
    "max_texts": Option(1_000, "texts of a request"),
    "max_sentences": Option(5_000, "sentences of a request"),
    "max_requests": Option(64, "requests that are scored at a time; further ones are answered 503"),
    "timeout": Option(
        60.0,
        "seconds to score a request, and to wait for a client to send or take more; a whole body, or a streamed line, "
        "may take as long plus a second per 1,000 bytes",
        "SECONDS",
    ),
    "batch_characters": Option(16_000, "characters that are scored together"),
    "batch_delay": Option(0.005, "seconds that a single text waits for others", "SECONDS"),
}
OPTIONS = {**LISTENING, **ACCESS, **LIMITS}


def flag(name: str) -> str:
    """Return the name of an option on the command line."""
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """Return the environment variable of an option."""
    return f"{ENV_PREFIX}{name.upper()}"
