"""Check that optional dependencies are installed where they are used."""

from __future__ import annotations

from importlib import import_module

from certainty.errors import MissingExtraError

DISTRIBUTION = "certainty-fr"
"""Name of the package for `pip install`; it is imported as `certainty`."""


def needs(*modules: str, extra: str, user: str = "this") -> None:
    """Check that modules can be imported.

    Args:
        modules: Names of the modules.
        extra: Name of the extra that installs them.
        user: What needs them, for the error message.

    Raises:
        MissingExtraError: If a module cannot be imported. The message says why, and how to install it.
    """
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            missing = MissingExtraError(f"{user} needs {module} ({error}): pip install '{DISTRIBUTION}[{extra}]'.")
            missing.name = module
            raise missing from error
