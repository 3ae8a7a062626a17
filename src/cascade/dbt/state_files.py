"""Write the files that processes of dbt find in Cascade's state directory, or beside their own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PARTIAL_PARSE = "partial_parse.msgpack"
"""What dbt keeps of a parse, so that the next one reads only files that have changed."""


def write_state_file(file: Path, text: str, *, executable: bool = False) -> None:
    """Write a file, unless it has this content. Another process may read it at any moment.

    Args:
        file: the file. Its directory is created.
        text: its content.
        executable: whether it is a program.
    """
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_name(f"{file.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8")
    if executable:
        written.chmod(0o755)
    written.replace(file)


def copy_partial_parse(source: Path, target: Path) -> None:
    """Let a command of dbt start from an earlier parse.

    Args:
        source: the directory of that parse. It may have none.
        target: the directory for the files of the command.
    """
    if (source / PARTIAL_PARSE).is_file():
        shutil.copyfile(source / PARTIAL_PARSE, target / PARTIAL_PARSE)
