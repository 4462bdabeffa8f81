"""Key encryption keys as an operator writes them: `id:key`, with commas between."""

import base64
import re
import secrets

BYTES = 32
"""Of a key, for AES-256."""

_KEY = re.compile(r"([A-Za-z0-9_-]{1,32}):([A-Za-z0-9_-]{43})=?")


def read_keys(text: str) -> dict[str, bytes]:
    """By id, in the order in which they stand. Raise ValueError, which never tells what stood."""
    keys: dict[str, bytes] = {}
    for entry in text.split(","):
        if (found := _KEY.fullmatch(entry.strip())) is None:
            raise ValueError(
                "expected ID:KEY, or several with commas between: an id of letters, digits, - and _"
                " (32 at most), and 32 bytes in base64url; `marquee keys new` makes one"
            )
        if found[1] in keys:
            raise ValueError(f"two keys go by the id {found[1]!r}")
        keys[found[1]] = base64.urlsafe_b64decode(f"{found[2]}=")
    return keys


def new_key() -> str:
    """A random key under an id that no other has, as it is written."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(BYTES)).decode().rstrip("=")
    return f"k{secrets.token_hex(4)}:{key}"
