"""The report as text and as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cascade_pants.affected.report import KINDS, Item, Report, Step

_SHORT = 12
"""How many characters of a commit id are shown."""


def as_text(report: Report) -> str:
    """Write the report for a terminal."""
    lines = [summary(report)]
    for kind in KINDS:
        items = report.items[kind]
        if items:
            lines += ["", f"{kind.capitalize()} ({len(items)})"]
            for item in items:
                lines += [f"  {_title(item)}", f"    {chain(item.steps)}"]
    if report.untouching:
        lines += ["", f"Changed files that touch nothing ({len(report.untouching)})"]
        lines += [f"  {path}: {why}" for path, why in sorted(report.untouching.items())]
    return "\n".join(lines)


def as_markdown(report: Report) -> str:
    """Write the report for a comment on a change."""
    lines = ["### What this change touches", "", summary(report)]
    for kind in KINDS:
        items = report.items[kind]
        if items:
            lines += ["", f"| {kind} ({len(items)}) | because |", "|---|---|"]
            lines += [f"| {_code(_title(item))} | {_cell(chain(item.steps))} |" for item in items]
    return "\n".join(lines)


def summary(report: Report) -> str:
    """Say in one line what was compared, and how much it touches."""
    counts = [_count(len(report.items[kind]), kind) for kind in KINDS if report.items[kind]]
    changed = "1 file differs" if len(report.changes) == 1 else f"{len(report.changes) or 'No'} files differ"
    commit = report.base[:_SHORT]
    known = f"{report.since}, {commit}" if not report.base.startswith(report.since) else commit
    return f"{changed} from {known}. Affected: {', '.join(counts) or 'nothing'}."


def explanation(name: str, paths: Sequence[Sequence[Step]]) -> str:
    """Say why something is affected, with one path for each changed file that leads to it.

    Args:
        name: what it is called.
        paths: the paths.
    """
    if not paths:
        return f"{name} is not affected."
    lines = [f"{name} is affected by {len(paths)} changed file{'' if len(paths) == 1 else 's'}."]
    for steps in paths:
        first, *others = steps
        lines += ["", f"  {first.what} ({first.how})"]
        lines += [f"    {step.what}: {step.how}" for step in others]
    return "\n".join(lines)


def chain(steps: Iterable[Step]) -> str:
    """Write a path in one line: the file, why it counts, and the targets up to the item."""
    first, second, *others = steps
    start = f"{first.what} ({first.how})"
    # The file of a source and its target have one name.
    if _short(second.what).partition(":")[0] != first.what:
        start += f" > {_short(second.what)}"
    if not second.how.endswith("belongs to it"):
        start += f" [{second.how}]"
    return " > ".join([start, *(_short(step.what) for step in others)])


def _short(address: str) -> str:
    """Return the file of a target that is generated from a BUILD file above it, or else the address."""
    return address.partition(":../")[0]


def _count(number: int, kind: str) -> str:
    return f"{number} {kind[:-1] if number == 1 else kind}"


def _title(item: Item) -> str:
    made = item.fields.get("pex") or item.fields.get("output")
    return f"{item.name} ({made})" if made else item.name


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
