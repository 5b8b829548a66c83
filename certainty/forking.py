"""What lets a classifier work in the child of a `fork`, in which none of the parent's threads lives on.

Three things would make such a child wait for ever, or crash:

- A lock inside a library that another thread held at the fork: nobody is left to release it. So whoever calls the
  tokenizer or the model does it `with native`, and a fork waits until no other thread does.
- The pool of threads of `tokenizers`: its threads are gone. So the child tokenises on one thread.
- Objects with threads of their own: their end waits for threads that are gone. So they stay for ever (`keep_for_ever`),
  and `renew_after_fork` tells their owner to open new ones.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from types import TracebackType
from typing import Protocol

from certainty.errors import CertaintyError

PATIENCE = 30.0
"""Seconds that a fork waits for other threads; a batch takes less than one, compiling a model may take more."""

_PARALLELISM = "TOKENIZERS_PARALLELISM"


class Renewable(Protocol):
    """An owner of locks, or of objects with threads."""

    def renew_after_fork(self) -> None:
        """Replace them, in the child."""
        ...


class _Gate:
    """Lets any number of threads in, and nobody while a fork is under way."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside: set[int] = set()
        self._forks = 0
        self._torn = False
        self._parallelism: str | None = None

    def __enter__(self) -> None:
        if self._torn:
            raise CertaintyError(
                f"this process was forked while another thread had been busy for more than {PATIENCE:.0f} s, and would "
                "hang: start it with the method 'spawn', or before the other threads score."
            )
        with self._condition:
            while self._forks:
                self._condition.wait()
            self._inside.add(threading.get_ident())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._condition:
            self._inside.discard(threading.get_ident())
            if self._forks:
                self._condition.notify_all()

    def before_fork(self) -> None:
        here = {threading.get_ident()}
        with self._condition:
            self._forks += 1
            self._condition.wait_for(lambda: self._inside <= here, timeout=PATIENCE)
            # Read in the child when `tokenizers` decides, within the fork, whether to warn and to go on in parallel.
            if self._forks == 1:
                self._parallelism = os.environ.get(_PARALLELISM)
                os.environ[_PARALLELISM] = "false"

    def after_fork_in_parent(self) -> None:
        with self._condition:
            self._forks -= 1
            if self._forks == 0:
                if self._parallelism is None:
                    os.environ.pop(_PARALLELISM, None)
                else:
                    os.environ[_PARALLELISM] = self._parallelism
            self._condition.notify_all()

    def after_fork_in_child(self) -> None:
        here = {threading.get_ident()}
        self._torn = self._torn or not self._inside <= here
        self._condition = threading.Condition()
        self._inside &= here
        self._forks = 0


native = _Gate()
"""Enter it (`with native:`) around each call into the tokenizer or the model, and never twice at a time."""

_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()
_inherited: frozenset[str] = frozenset()


def renew_after_fork(owner: Renewable) -> None:
    """Have `owner.renew_after_fork` called in the child of each fork, as long as there is an owner."""
    _renewables.add(owner)


def keep_for_ever(thing: object) -> None:
    """Never let the object end, not even when the interpreter does."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def inherited(module: str) -> bool:
    """Tell whether this process was forked from one that had imported a module, so that its threads may be missing."""
    return module in _inherited


def _after_fork_in_child() -> None:
    global _inherited
    _inherited |= {"torch"} & sys.modules.keys()
    native.after_fork_in_child()
    for owner in list(_renewables):
        owner.renew_after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=native.before_fork,
        after_in_parent=native.after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
