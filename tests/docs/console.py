"""Read the instructions of a page: commands with their output, and files to write.

A fenced block of `console` contains commands after `$ `, each followed by its output:

    $ cascade list
    asset                 partitions
    weather_observations  daily

A fenced block of any other language is a file if its first line is a comment with a path:

    # workflows/ingestion/weather/observations.py
    from __future__ import annotations

With `, at the end` after the path, the block is appended to the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n`]*\n(?P<body>.*?)^(?P=indent)```\s*$", re.M | re.S)
_PATH = re.compile(r"^(?:#|--) (?P<path>[\w./-]*\.[\w]+)(?P<added>, at the end)?\s*$")
_PROMPT = "$ "


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Args:
        line: its line in the page, counted from 1.
        text: the command as typed, with the line breaks that follow a backslash in the page.
        expected: the output that the page shows, as lines.
    """

    line: int
    text: str
    expected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A file that the page contains.

    Args:
        line: the block's line in the page, counted from 1.
        path: relative to the working directory.
        text: its content, including the line with the path.
        added: whether to append it to an existing file.
    """

    line: int
    path: str
    text: str
    added: bool


def read_page(markdown: str) -> list[Command | Written]:
    """Return the commands and the files of a page, in the order of the page."""
    steps: list[Command | Written] = []
    for fence in _FENCE.finditer(markdown):
        line = markdown.count("\n", 0, fence.start()) + 2
        indent = len(fence["indent"])
        lines = [text[indent:] for text in fence["body"].splitlines()]
        if fence["language"] == "console":
            steps += _commands(lines, line)
        elif lines and (named := _PATH.match(lines[0])):
            text = "\n".join(lines) + "\n"
            steps.append(Written(line, named["path"], text, added=named["added"] is not None))
    return steps


def commands_of(markdown: str) -> list[Command]:
    """Return only the commands of a page."""
    return [step for step in read_page(markdown) if isinstance(step, Command)]


def _commands(lines: list[str], first: int) -> list[Command]:
    commands: list[Command] = []
    typed: list[str] = []
    shown: list[str] = []
    begun = first

    def end() -> None:
        if typed:
            while shown and not shown[-1].strip():
                shown.pop()
            commands.append(Command(begun, "\n".join(typed), tuple(shown)))
        typed.clear()
        shown.clear()

    for number, text in enumerate(lines, start=first):
        if text.startswith(_PROMPT):
            end()
            begun = number
            typed.append(text.removeprefix(_PROMPT))
        elif typed and not shown and typed[-1].endswith("\\"):
            typed.append(text.removeprefix("> "))
        else:
            shown.append(text)
    end()
    return commands


_SNAPSHOT, _RUN = r"\b\d{15,}\b", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(f"{_SNAPSHOT}|{_RUN}")
_UNSTABLE = (
    # Decimals such as seconds, the ids of snapshots and runs, the port of the UI, and the rules that pytest draws.
    (re.compile(r"\d+\.\d+(?!\.|\d)"), r"\\d+\\.\\d+"),
    (re.compile(_SNAPSHOT), r"(\\d{15,})"),
    (re.compile(_RUN), r"([0-9a-f-]{36})"),
    (re.compile(r"={5,}"), r"={5,}"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d+"), r"\\d+"),
)


def output_pattern(expected: tuple[str, ...], places: dict[str, str]) -> re.Pattern[str]:
    """Return a pattern that matches the whole output of a command.

    A line of dots matches any lines, and dots within a line match any text. Decimals, ids, ports and the width of gaps
    may differ. Everything else must be the same. Each id is a group; see `ids_in`.

    Args:
        expected: the output that the page shows, as lines.
        places: directories of this machine, by their names in the page, such as `/home/you`.
    """
    parts: list[str] = []
    for line in expected:
        if line.strip() in ("...", "…"):
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(_line_pattern(line, places) + r"[ ]*\n")
    return re.compile("".join(parts))


def ids_in(lines: tuple[str, ...]) -> list[str]:
    """Return the ids of snapshots and runs in an output, one for each group of its pattern.

    Args:
        lines: the output that the page shows.
    """
    return [found for line in lines for found in _ID.findall(line)]


def _line_pattern(line: str, places: dict[str, str]) -> str:
    words = [_word_pattern(word, places) for word in line.split()]
    lead = r"[ ]+" if line[:1] == " " else ""
    return lead + r"[ ]+".join(words)


def _word_pattern(word: str, places: dict[str, str]) -> str:
    pieces = re.split(r"(\.\.\.(?!\d)|…)", word)
    return "".join(".*" if piece in ("...", "…") else _literal(piece, places) for piece in pieces)


def _literal(text: str, places: dict[str, str]) -> str:
    for shown, actual in places.items():
        text = text.replace(shown, actual)
    pattern, at = "", 0
    unstable = sorted((m.start(), m.end(), r) for p, r in _UNSTABLE for m in p.finditer(text))
    for start, end, replacement in unstable:
        if start >= at:
            pattern += re.escape(text[at:start]) + replacement.replace("\\\\", "\\")
            at = end
    return pattern + re.escape(text[at:])
