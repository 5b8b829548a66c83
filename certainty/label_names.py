"""A user's other names for labels."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from numbers import Real

from certainty.errors import CertaintyError
from certainty.labels import Label, plain_name

logger = logging.getLogger(__name__)


class LabelNames:
    """A user's other names for labels; remembers which of them were met in data.

    Args:
        names: The names with their labels, such as `{"rumeur": "probable"}`; case, spaces and hyphens do not count.

    Raises:
        CertaintyError: a name stands for no label, or for two.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._labels: dict[object, Label] = {}
        self._given: dict[object, str] = {}
        self._met: set[object] = set()
        for name, given in (names or {}).items():
            plain, label = plain_name(str(name)), Label.parse(given)
            if self._labels.setdefault(plain, label) is not label:
                raise CertaintyError(f"{name!r} stands for {self._labels[plain].value} and {label.value}; choose one.")
            self._given[plain] = str(name)

    @property
    def given(self) -> dict[str, str]:
        """The names, as they were given, with the name of the label of each."""
        return {given: self._labels[plain].value for plain, given in self._given.items()}

    def parse(self, value: object, allowed: Iterable[Label] | None = None) -> Label:
        """Return the label that a value stands for, by its name or one of these; see `Label.parse`."""
        name = plain_name(str(value))
        if name not in self._labels and isinstance(value, Real):
            name = str(value).removesuffix(".0")  # pandas makes floats of whole numbers if one of them is missing
        if name in self._labels:
            self._met.add(name)
            return Label.parse(self._labels[name], allowed)
        try:
            return Label.parse(value, allowed)
        except CertaintyError as error:
            close = get_close_matches(str(name), [str(given) for given in self._given], n=1, cutoff=0.7)
            hint = f" Of your own names, {self._given[close[0]]!r} is the nearest." if close else ""
            raise CertaintyError(f"{error}{hint}") from None

    def unknown(self, values: Iterable[str]) -> dict[str, int]:
        """Return the values that stand for no label, each with its number."""
        counts = Counter(values)
        return {value: n for value, n in counts.items() if plain_name(value) not in {*self._labels, *Label}}

    def warn_if_unmet(self) -> None:
        """Log a warning if a name was in no row that was read with these names."""
        if unmet := [given for name, given in self._given.items() if name not in self._met]:
            logger.warning("No row has the label %s, for which a name was given; check the spelling.", ", ".join(unmet))
