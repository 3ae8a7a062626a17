"""Which settings are secrets, and what to show in their place."""

from __future__ import annotations

import re

MASK = "**********"

_SECRET_WORDS = frozenset(
    {"secret", "token", "password", "passwd", "passphrase", "pwd", "apikey", "credential", "credentials", "key", "auth"}
)
_URL_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/@\s:]*:)[^@\s]*(?=@)", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Tells whether a value of this name must not be shown: a word of it is `token`, `password` or the like."""
    return any(word in _SECRET_WORDS for word in re.split(r"[_\-.]+", name.lower()))


def mask_url(text: str) -> str:
    """Hides the password in a URL such as `postgresql://me:secret@host/db`. Other text comes back as it is."""
    return _URL_PASSWORD.sub(lambda match: match["before"] + MASK, text)
