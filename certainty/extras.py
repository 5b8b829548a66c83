"""The libraries behind extras, checked where they are used."""

from __future__ import annotations

from importlib import import_module

from certainty.errors import MissingExtraError

DISTRIBUTION = "certainty-fr"
"""What `pip install` calls this package; `import` calls it `certainty`."""


def needs(*modules: str, extra: str, user: str = "this") -> None:
    """Check that modules can be imported.

    Args:
        modules: Their names.
        extra: The extra that brings them.
        user: What needs them, for the message.

    Raises:
        MissingExtraError: one cannot; the message says why, and how to install it.
    """
    for module in modules:
        try:
            import_module(module)
        except ImportError as error:
            missing = MissingExtraError(f"{user} needs {module} ({error}): pip install '{DISTRIBUTION}[{extra}]'.")
            missing.name = module
            raise missing from error
