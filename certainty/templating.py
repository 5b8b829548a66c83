"""Set up Jinja for the templates of reports and model cards."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(package: str, autoescape: bool) -> Environment:
    """Return a Jinja environment that loads the templates of a package and raises an error for undefined values."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
