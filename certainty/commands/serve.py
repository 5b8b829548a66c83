"""`certainty serve`: scores over HTTP, and a page to paste a text into."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import fields
from typing import Any

from certainty.commands.engine import add_engine_arguments, model_choice
from certainty.commands.help import HelpFormatter
from certainty.extras import needs
from certainty.server.settings import ServerSettings

_LIMITS = {
    "max_body_bytes": "bytes of a request, or of a streamed line",
    "max_characters": "characters of a text",
    "max_texts": "texts of a request",
    "max_sentences": "sentences of a request",
    "max_requests": "requests at a time; more are answered 503",
    "timeout": "seconds to score a request, and between two pieces of it",
    "batch_characters": "characters that are scored together",
    "batch_delay": "seconds that a lone text waits for others",
}


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "serve",
        help="score over HTTP",
        description="Serve a page to paste a text into (at /), and an HTTP interface (described at /docs).",
        epilog="examples:\n"
        "  certainty serve\n"
        '  curl http://127.0.0.1:8000/v1/score --json \'{"text": "Moscou dément."}\'\n'
        "  curl http://127.0.0.1:8000/v1/score/stream -T texts.jsonl -X POST -H 'Content-Type: application/x-ndjson'",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="port; 0 picks a free one (default: %(default)s)")
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")
    add_engine_arguments(parser)
    limits = parser.add_argument_group("limits")
    for setting in fields(ServerSettings):
        limits.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=type(setting.default),
            default=setting.default,
            metavar="N",
            help=f"{_LIMITS[setting.name]} (default: %(default)s)",
        )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C and return the exit status."""
    settings = ServerSettings(**{setting.name: getattr(args, setting.name) for setting in fields(ServerSettings)})
    needs("fastapi", "fastapi_offline", "prometheus_client", "uvicorn", extra="server", user="the server")
    from certainty.server.app import create_app
    from certainty.server.process import DrainingServer, address_of, listen

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    with listen(args.host, args.port) as bound:
        server = DrainingServer(create_app(model_choice(args).open(), settings))
        print(f"certainty listens on {address_of(bound)} (Ctrl-C stops it)", flush=True)
        server.run([bound])
    return 0
