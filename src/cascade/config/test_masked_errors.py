from __future__ import annotations

import traceback

import pytest

from cascade.config.secrets import mask_error
from cascade.exceptions import SourceError

ADDRESS = "https://api.example.com/v1?station=3&api_key=hunter2"


class FromParts(Exception):
    """An error whose message holds more than its arguments."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def __str__(self) -> str:
        return f"no answer from {self.address}"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


def raised(
    error: BaseException, cause: BaseException | None = None, context: BaseException | None = None
) -> BaseException:
    """Raise an error, with a cause or while another is handled, and return it."""
    try:
        try:
            if context is not None:
                raise context
        except BaseException:
            raise error  # noqa: B904 - without a cause, on purpose.
        if cause is not None:
            raise error from cause
        raise error
    except BaseException as caught:
        return caught


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"401 for {ADDRESS}"),
        raised(KeyError("station"), cause=OSError(2, "cannot be reached", ADDRESS)),
        raised(KeyError("station"), context=FromParts(ADDRESS)),
        raised(KeyError("station"), cause=raised(KeyError("id"), cause=ValueError(ADDRESS))),
        ExceptionGroup("two", [ValueError(ADDRESS), KeyError("station")]),
        SourceError(f"It gave nothing: {ADDRESS}"),
        FromParts(ADDRESS),
    ],
)
def test_no_secret_is_left_in_an_error_or_its_causes(error: BaseException) -> None:
    assert "hunter2" in shown(error)
    masked = shown(mask_error(error))
    assert "hunter2" not in masked
    assert "station=3&api_key=**********" in masked


def test_a_masked_error_keeps_its_identity() -> None:
    inner = ValueError(f"401 for {ADDRESS}")
    error = raised(KeyError("station", 3), cause=inner)
    assert mask_error(error) is error
    assert error.args == ("station", 3)
    assert error.__cause__ is inner
    assert str(inner) == "401 for https://api.example.com/v1?station=3&api_key=**********"


def test_a_replaced_error_keeps_its_traceback_and_cause() -> None:
    error = raised(FromParts(ADDRESS), cause=KeyError("station"))
    masked = mask_error(error)
    assert str(masked) == "FromParts: no answer from https://api.example.com/v1?station=3&api_key=**********"
    assert masked.__traceback__ is error.__traceback__
    assert masked.__cause__ is error.__cause__


def test_circular_causes_and_unprintable_errors_are_handled() -> None:
    first, second = ValueError(ADDRESS), Unspeakable()
    first.__cause__, second.__cause__ = second, first
    assert mask_error(second) is second
    assert "hunter2" not in str(first)


def test_an_error_that_is_both_cause_and_context_is_replaced_in_both() -> None:
    inner = FromParts(ADDRESS)
    error = raised(KeyError("station"), cause=inner)
    error.__context__ = inner
    masked = mask_error(error)
    assert masked.__cause__ is masked.__context__
    assert "hunter2" not in str(masked.__context__)
