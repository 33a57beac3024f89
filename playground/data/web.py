"""Files from the web: one at a time, whole, and only those whose checksum is known.  No torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from playground import paths

MAX_BYTES = 2**28
TIMEOUT = 30  # seconds of silence


def download_file(url: str, target: Path, sha256: str) -> None:
    """Fetch ``url`` into ``target``, which appears only when all of it has come.

    Raises:
        OSError: one sentence, if it cannot be had or not be kept.
        ValueError: one sentence, if what came has another checksum.
    """
    import http.client  # both take long to import and are seldom needed
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read(MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(f"{url} could not be fetched: {reason}.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{url} is not the published file (its checksum differs).")
    target.parent.mkdir(parents=True, exist_ok=True)
    with paths.replacing(target) as partial:
        partial.write_bytes(content)
