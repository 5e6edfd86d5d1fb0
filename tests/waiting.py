"""How tests wait: for something to happen, never for a time; and ports that nobody takes meanwhile."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

PATIENCE = 240  # seconds until what hangs fails its test; no figure depends on it


def until(reached: Callable[[], object], what: str = "it did not happen") -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def free_port() -> int:
    """Return a port of loopback that nobody listens on.

    It lies below those that the system gives to whoever asks for any: until a server takes it, no connection
    of another test does.
    """
    dice = random.SystemRandom()
    while True:
        port = dice.randrange(12_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
