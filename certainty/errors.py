"""Exceptions for user errors."""


class CertaintyError(ValueError):
    """Raised for input that cannot be used; the message says what is wrong, where, and how to fix it."""


class MissingExtraError(CertaintyError, ImportError):
    """Raised if a required library is not installed; the message names the extra that installs it."""
