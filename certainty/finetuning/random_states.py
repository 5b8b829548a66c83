"""The random states of the caller, which training seeds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["random_states_kept"]


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Put the global random states of Python, NumPy and torch back at the end, also after an error."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    # To read the states of GPUs that nothing uses yet would reserve memory on each of them.
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(gpus):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        if not gpus:
            torch.cuda.manual_seed_all(torch.initial_seed())  # with which they would have begun
