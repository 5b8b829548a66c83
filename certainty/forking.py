"""Make a classifier usable in a forked child process, where none of the parent's other threads exist any more.

Three things would make the child hang or crash:

- A lock inside a library that another thread held at the time of the fork is never released. Every call to the
  tokenizer or the model is therefore made inside `with native:`, and a fork waits until no other thread is inside.
- The threads of the thread pool of `tokenizers` are gone. The child therefore tokenises on a single thread.
- Destroying an object that has threads of its own would wait for threads that are gone. Such objects are therefore
  never destroyed (`keep_for_ever`), and their owners open new ones in `renew_after_fork`.
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
"""Seconds that a fork waits for other threads. A batch takes less than a second; compiling a model may take longer."""

_PARALLELISM = "TOKENIZERS_PARALLELISM"


class Renewable(Protocol):
    """An object that holds locks, or other objects with threads."""

    def renew_after_fork(self) -> None:
        """Replace the locks and objects, in the child process."""
        ...


class _Gate:
    """A context manager that any number of threads may enter, but none during a fork."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside: set[int] = set()
        self._forks = 0
        self._torn = False
        self._parallelism: str | None = None

    def __enter__(self) -> None:
        if self._torn:
            raise CertaintyError(
                f"this process was forked while another thread of its parent was scoring for more than {PATIENCE:.0f} "
                "s, and would hang. Use the start method 'spawn', or fork before other threads start scoring."
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
            # `tokenizers` reads this in the child, during the fork, to decide whether to warn and to use threads.
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
"""Hold this (`with native:`) around each call to the tokenizer or the model. It must not be nested."""

_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()
_inherited: frozenset[str] = frozenset()


def renew_after_fork(owner: Renewable) -> None:
    """Register `owner.renew_after_fork` to be called in every forked child, for as long as the owner exists."""
    _renewables.add(owner)


def keep_for_ever(thing: object) -> None:
    """Keep an object from ever being destroyed, even when the interpreter exits."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def inherited(module: str) -> bool:
    """Return whether the parent had imported a module before this process was forked, so its threads may be gone."""
    return module in _inherited


def _after_fork_in_child() -> None:
    global _inherited
    _inherited |= {"torch"} & sys.modules.keys()
    native.after_fork_in_child()
    for owner in list(_renewables):
        owner.renew_after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=native.before_fork,
        after_in_parent=native.after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
