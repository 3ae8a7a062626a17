"""Prints the reference of the Pants backend in Markdown, made from what `pants help-all` says.

    ./pants help-all | python docs/generators/pants_help.py > docs/reference/pants.md

`scripts/docs --write` does that; a test holds the page against what this prints. Only what the backend adds is in it:
fields and options of Pants itself are named, and no more.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

TARGETS = ("cascade_workflow", "cascade_project", "cascade_workflow_source")
GOALS = ("cascade-scaffold", "cascade-dev")
SUBSYSTEMS = ("cascade", "cascade-check")

INTRODUCTION = """\
# Pants reference

<!-- Made by `scripts/docs --write` from `./pants help-all`. Do not edit: change the help texts in pants-plugins. -->

Everything that the backend `cascade_pants` adds to Pants. `./pants help cascade_project`, or any other name below, says
the same in the terminal. [The Pants backend](../guides/pants.md) shows it at work.
"""


def main() -> int:
    """Reads the help from standard input and prints the page."""
    told = json.load(sys.stdin)
    sys.stdout.write("\n".join([INTRODUCTION, *_targets(told), *_goals(told), *_subsystems(told)]).rstrip() + "\n")
    return 0


def _targets(told: Mapping[str, Any]) -> Iterator[str]:
    types = told["name_to_target_type_info"]
    _require_all(TARGETS, types)
    yield "## Targets\n"
    for name in TARGETS:
        yield f"### {name}\n"
        yield _markdown(types[name]["description"])
        fields = types[name]["fields"]
        own = [field for field in fields if not _is_pants_own(field, types)]
        for field in own:
            yield f"#### {name}: {field['alias']}\n"
            default = f", default `{field['default']}`" if field["default"] is not None else ""
            yield f"Type `{field['type_hint']}`{default}{', required' if field['required'] else ''}.\n"
            yield _markdown(field["description"])
        others = sorted(field["alias"] for field in fields if field not in own)
        yield _wrapped(f"Fields with Pants' own meaning: {', '.join(f'`{alias}`' for alias in others)}.")


def _is_pants_own(field: Mapping[str, Any], types: Mapping[str, Any]) -> bool:
    """Whether a target of Pants has the same field with the same words."""
    return any(
        field["alias"] == other["alias"] and field["description"] == other["description"]
        for name, target in types.items()
        if name not in TARGETS
        for other in target["fields"]
    )


def _goals(told: Mapping[str, Any]) -> Iterator[str]:
    goals = told["name_to_goal_info"]
    _require_all(GOALS, goals)
    yield "## Goals\n"
    for name in GOALS:
        yield f"### {name}\n"
        yield _markdown(goals[name]["description"])
        yield from _options(told["scope_to_help_info"][name], goal=True)


def _subsystems(told: Mapping[str, Any]) -> Iterator[str]:
    _require_all(SUBSYSTEMS, told["scope_to_help_info"])
    yield "## Options\n"
    for name in SUBSYSTEMS:
        scope = told["scope_to_help_info"][name]
        yield f"### [{name}]\n"
        yield _markdown(scope["description"])
        yield from _options(scope)


def _options(scope: Mapping[str, Any], *, goal: bool = False) -> Iterator[str]:
    for option in (*scope["basic"], *scope["advanced"]):
        # After the name of its goal an option needs no prefix.
        flags = option["unscoped_cmd_line_args" if goal else "scoped_cmd_line_args"]
        yield f"#### `{flags[0]}`\n"
        yield _wrapped(
            f"In `pants.toml` `{option['config_key']}` under `[{scope['scope']}]`, in the environment "
            f"`{option['env_var']}`. Type {option['typ']}, default {_default(option['default'])}."
        )
        yield _markdown(option["help"])


def _default(value: object) -> str:
    if value is None or value == []:
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _markdown(help_text: str) -> str:
    """Wraps the paragraphs of a help text. Indented ones are lists and code in Markdown as they stand."""
    blocks = re.split(r"\n\s*\n", help_text.strip("\n"))
    return "\n".join(f"{block}\n" if block.startswith("  ") else _wrapped(block) for block in blocks)


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _require_all(names: Iterable[str], known: Mapping[str, Any]) -> None:
    """Ends the program if something that the page is about is gone, or something new has come.

    What Pants calls the provider of a thing cannot tell: the backend passes the Python backend on, whose things then
    count as its own. Names can.

    Raises:
        SystemExit: the page would be about something else than the backend.
    """
    found = sorted(name for name in known if name.startswith("cascade"))
    expected = sorted({*names, *(GOALS if SUBSYSTEMS[0] in names else ())})
    if found != expected:
        sys.exit(f"The backend has {found}, and the page is about {expected}: change {__file__}.")


if __name__ == "__main__":
    raise SystemExit(main())
