"""SHA-256 without OpenSSL: `hashlib` loads it and costs every command 5 ms."""

from __future__ import annotations

try:
    from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]  # Python 3.12 and later
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]  # Python 3.11
    except ImportError:
        from hashlib import sha256


def hexdigest(data: bytes | str) -> str:
    """Return the SHA-256 of `data` (text as UTF-8), 64 hexadecimal digits."""
    raw = data.encode() if isinstance(data, str) else data
    return str(sha256(raw).hexdigest())
