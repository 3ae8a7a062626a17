"""Options whose value is one of a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cascade.spelling import did_you_mean

if TYPE_CHECKING:
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
