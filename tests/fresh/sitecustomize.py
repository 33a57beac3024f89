"""Hides what a user's machine may lack: training data that system packages install, and every network but loopback.

``conftest.py`` runs this file, and puts its folder on the path of the processes that tests start, where Python imports it
by its name.  A hidden file looks as if it were not there; a connection is refused.  Only the standard library.
"""

from __future__ import annotations

import errno
import os
import sys

HIDDEN = ("/usr/share/datasets", "/usr/lib/bible.data")  # what data packages install, see ``playground/data``
LOOPBACK = ("127.", "::1", "localhost")


def refuse(event: str, arguments: tuple) -> None:
    """An audit hook (``sys.addaudithook``)."""
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.fsdecode(arguments[0])
        if path.startswith(HIDDEN):
            raise FileNotFoundError(errno.ENOENT, "hidden from tests, as on a fresh machine", path)
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"tests reach no network ({address[0]})")
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        if host and not os.fsdecode(host).startswith(LOOPBACK):
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"tests ask for no host ({os.fsdecode(host)})")


if not hasattr(sys, "_fresh_machine"):
    sys._fresh_machine = True  # type: ignore[attr-defined]
    sys.addaudithook(refuse)
