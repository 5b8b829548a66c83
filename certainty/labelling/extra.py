"""The libraries of the extra `label`."""

from __future__ import annotations

from importlib.util import find_spec

from certainty.errors import CertaintyError


def needs(*modules: str) -> None:
    """Check that modules can be imported.

    Raises:
        CertaintyError: one cannot; the message says how to install it.
    """
    for module in modules:
        if find_spec(module) is None:
            raise CertaintyError(f"{module} is not installed; pip install 'certainty[label]'.")
