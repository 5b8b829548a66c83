"""The exception types for a user's mistakes."""


class CertaintyError(ValueError):
    """Something that the user gave cannot be used; the message says what, where and how to mend it."""


class MissingExtraError(CertaintyError, ImportError):
    """A library that is not installed is needed; the message names the extra that brings it."""
