"""The option `--since`, which several goals have."""

from __future__ import annotations

from typing import Any

from pants.option.option_types import StrOption


def since_option(does: str = "The commit, tag or branch to compare with.") -> Any:
    """Declare the option `--since` of a goal.

    Args:
        does: what the goal does with it, as a sentence.
    """
    return StrOption(default=None, help=f"{does}\n\nExample: `--since=origin/main`")
