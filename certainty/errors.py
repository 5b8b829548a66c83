"""The one exception type for a user's mistakes."""


class CertaintyError(ValueError):
    """Something that the user gave cannot be used; the message says what, where and how to mend it."""
