"""Set up Jinja for the templates of reports and model cards."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def environment(package: str, autoescape: bool) -> Environment:
    """Return a Jinja environment for the templates of a package and the shared ones in `certainty/templates`.

    It raises an error for undefined values.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("certainty")]),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
