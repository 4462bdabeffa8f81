"""The key encryption keys of a home, for the PostgreSQL that runs in it; kept beside its data."""

import os
from pathlib import Path

from settings import SettingsError
from shared.application.encryption_keys import new_key, read_keys

FILE = "key_encryption_keys"


def kept_keys(home: Path) -> str | None:
    """What the home's file says, if there is one. Raise SettingsError when it makes no sense."""
    file = home / FILE
    try:
        text = file.read_text("ascii").strip()
        read_keys(text)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is no text; put back the file that it was") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    return text


def make_keys(home: Path) -> str:
    """What the home's file says; at the first start it is made, whole or not at all, and on the
    disk before anything is sealed with it. Only for whoever holds the home."""
    if (kept := kept_keys(home)) is not None:
        return kept
    made, draft = new_key(), home / f"{FILE}.draft"
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{made}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(home / FILE)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return made
