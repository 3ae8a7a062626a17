"""The description that a docstring gives an asset."""

from __future__ import annotations

import functools
from textwrap import dedent

import pytest

from cascade.declarations.docstrings import description_of

GOOGLE = """
    The readings of a day.

    They come from the gauges, in two steps:

        fetch, then clean

    Args:
        partition_date: the day,
            in UTC.

        window: its bounds.

    Returns:
        Rows.

    Note: a day without a file is fine.

    Raises:
        ValueError: a gauge is down.
    """
NUMPY = """
    The readings of a day.

    Parameters
    ----------
    partition_date : str
        The day.

    Returns
    -------
    list
        Rows.

    Notes
    -----
    A day without a file is fine.

    Raises
    ------
    ValueError
        A gauge is down.
    """
SPHINX = """
    The readings of a day.

    :param partition_date: the day,
        in UTC
    :type partition_date: str
    :returns: rows
    :raises ValueError: a gauge is down

    A day without a file is fine.
    """


@pytest.mark.parametrize(
    ("docstring", "description"),
    [
        (
            GOOGLE,
            "The readings of a day.\n\nThey come from the gauges, in two steps:\n\n    fetch, then clean\n\n"
            "Note: a day without a file is fine.",
        ),
        (NUMPY, "The readings of a day.\n\nNotes\n-----\nA day without a file is fine."),
        (SPHINX, "The readings of a day.\n\nA day without a file is fine."),
        ("One line.", "One line."),
        ("Returns: the rows of a day.", "Returns: the rows of a day."),
        ("\n    Args:\n        x: nothing else.\n    ", None),
        ("", None),
        (None, None),
    ],
)
def test_sections_about_the_call_are_left_out(docstring: str | None, description: str | None) -> None:
    def rows() -> None: ...

    rows.__doc__ = docstring and dedent(docstring)
    assert description_of(rows) == description


def test_a_partial_application_has_the_docstring_of_its_function() -> None:
    def rows(x: int) -> None:
        """Return rows."""

    assert description_of(functools.partial(rows, 1)) == "Return rows."
