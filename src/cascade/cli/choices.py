"""Options whose value is one of a few words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from cascade.spelling import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Choice = click.Choice[str]
else:
    _Choice = click.Choice


class Choice(_Choice):
    """One of a few words. The error for another word suggests the one that was probably meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word, or fail."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f"{error.message}{did_you_mean(value, self.choices)}", param, ctx)


class OpenChoice(Choice):
    """One of a few words, to which plugins may add others, which are looked up only for a word that is not known.

    Args:
        choices: the words of Cascade itself.
        more: returns the words of plugins.
    """

    def __init__(self, choices: Sequence[str], more: Callable[[], Iterable[str]]) -> None:
        super().__init__(choices)
        self._more = more

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word, or fail."""
        if value in self.choices:
            return str(value)
        return self._all().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the words that begin like what was typed."""
        return self._all().shell_complete(ctx, param, incomplete)

    def _all(self) -> Choice:
        return Choice([*self.choices, *self._more()])
