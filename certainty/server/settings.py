"""The limits of the server, as one object; each is also an option of `certainty serve`."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from certainty.errors import CertaintyError


@dataclass(frozen=True)
class ServerSettings:
    """What a request may ask of the server, and how waiting texts are batched.

    Attributes:
        max_body_bytes: Bytes of the body of a request; on the streaming route, of a line.
        max_characters: Characters of a text.
        max_texts: Texts of a request.
        max_sentences: Sentences of a request; on the streaming route, of a line.
        max_requests: Requests that are read, wait or are scored at a time.
        timeout: Seconds for a request to be scored, and for a client to send or to take its next piece.
        batch_characters: Characters after which a batch is full; a longer text is scored alone.
        batch_delay: Seconds that a lone text waits for others to share its batch.

    Raises:
        CertaintyError: a value is out of its range.
    """

    max_body_bytes: int = 4_000_000
    max_characters: int = 100_000
    max_texts: int = 1_000
    max_sentences: int = 5_000
    max_requests: int = 64
    timeout: float = 60.0
    batch_characters: int = 16_000
    batch_delay: float = 0.005

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(setting.default, int):
                right, allowed = type(value) is int and value >= 1, "a whole number of at least 1"
            else:
                right, allowed = type(value) in (int, float) and 0 <= value < math.inf, "a number of seconds above 0"
            if not right or (setting.name == "timeout" and value == 0):
                raise CertaintyError(f"{setting.name} = {value!r}: give {allowed}.")
