"""A server on a free port, in a thread of the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from certainty.server.process import DrainingServer, address_of, listen


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Yield the address of an app that is served."""
    server = DrainingServer(app)
    with listen("127.0.0.1", 0) as bound:
        address = address_of(bound)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield address
        server.should_exit = True
        thread.join()
