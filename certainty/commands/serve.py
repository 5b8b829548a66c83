"""`certainty serve`: score over HTTP, with a page to paste a text into."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from certainty.commands.engine import ModelChoice, add_engine_arguments
from certainty.commands.help import HelpFormatter
from certainty.commands.output import FAILED, report
from certainty.engines.cores import available_cores
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.server.options import ACCESS, LIMITS, LISTENING, OPTIONS, flag, variable

if TYPE_CHECKING:
    import socket
    from multiprocessing.synchronize import Event

    from certainty.server.settings import ServerSettings

_LIBRARIES = ("fastapi", "fastapi_offline", "prometheus_client", "pydantic_settings", "uvicorn")


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "serve",
        help="score over HTTP",
        description="Serve a page to paste a text into (at /), and an HTTP interface (described at /docs). Each option "
        f"can also be set by an environment variable: --max-texts by {variable('max_texts')}.",
        epilog="examples:\n"
        "  certainty serve\n"
        '  curl http://127.0.0.1:8000/v1/score --json \'{"text": "Moscou dément."}\'\n'
        "  curl http://127.0.0.1:8000/v1/score/stream -T texts.jsonl -X POST -H 'Content-Type: application/x-ndjson'\n"
        "  CERTAINTY_API_KEY=… certainty serve --host 0.0.0.0 --workers 2",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the shipped model)")
    add_engine_arguments(parser)
    for title, options in (("listening", LISTENING), ("access", ACCESS), ("limits", LIMITS)):
        group = parser.add_argument_group(title)
        for name, option in options.items():
            default = "" if option.default in (None, (), "") else f" (default: {option.default})"
            group.add_argument(flag(name), metavar=option.metavar, help=option.help + default)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C and return the exit status."""
    needs(*_LIBRARIES, extra="server", user="the server")
    from certainty.server.process import address_of, listen
    from certainty.server.settings import ServerSettings, refuse_misspelt
    from certainty.server.workers import Workers

    refuse_misspelt(os.environ)
    names = (*OPTIONS, *ModelChoice._fields)
    settings = ServerSettings(**{name: given for name in names if (given := getattr(args, name)) is not None})
    _log(settings)
    if settings.api_key is None and variable("api_key") in os.environ:
        print(f"warning: {variable('api_key')} is empty, so requests need no key.", file=sys.stderr)
    with listen(settings.host, settings.port) as bound:
        address = address_of(bound, "https" if settings.ssl_certfile else "http")
        greet = partial(print, f"certainty listens on {address} (Ctrl-C stops it)", flush=True)
        if settings.workers > 1:
            return 0 if Workers(partial(_work, settings), bound, settings.workers).run(greet) else FAILED
        _serve(settings, bound, greet)
    return 0


def _serve(settings: ServerSettings, bound: socket.socket, on_started: Any) -> None:
    from certainty.server.app import create_app
    from certainty.server.process import DrainingServer

    threads = settings.threads
    if threads is None and settings.workers > 1:
        threads = max(1, available_cores() // settings.workers)
    choice = ModelChoice(settings.model, settings.engine, threads, settings.device)
    DrainingServer(create_app(choice.open(), settings), on_started).run([bound])


def _work(settings: ServerSettings, bound: socket.socket, started: Event) -> None:
    """Serve as one of several processes."""
    _log(settings)
    try:
        _serve(settings, bound, started.set)
    except CertaintyError as error:
        report(error)
        sys.exit(FAILED)


def _log(settings: ServerSettings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
