"""What to tell a user whose directory for temporary files cannot be written."""

from __future__ import annotations

import errno
import os
import tempfile

FULL_HINT = "Free some space there, or set TMPDIR to a directory on a larger disk."
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def temporary_directory() -> str:
    """Return the directory for temporary files, for messages, even if none can be used."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return os.environ.get("TMPDIR") or "any directory for temporary files"


def temporary_directory_hint(error: OSError) -> str:
    """Return what to do about an error of writing to the directory for temporary files.

    Args:
        error: what the system said.
    """
    if error.errno in _FULL:
        return FULL_HINT
    return "Set TMPDIR to a directory that you can write to."
