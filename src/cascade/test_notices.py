"""Tell the user of something, in a run and outside of one."""

from __future__ import annotations

import warnings

import pytest

from cascade.notices import CascadeNotice, notice, notices_to


def test_outside_of_a_run_a_notice_is_a_warning() -> None:
    with pytest.warns(CascadeNotice, match=r"The file is empty"):
        notice("The file is empty.")


def test_in_a_run_a_notice_goes_to_its_log() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with notices_to(outer.append):
            with notices_to(inner.append):
                notice("one")
            notice("two")
    assert (inner, outer) == (["one"], ["two"])


def test_a_log_is_not_used_after_an_error() -> None:
    told: list[str] = []
    with pytest.raises(LookupError), notices_to(told.append):
        raise LookupError
    with pytest.warns(CascadeNotice):
        notice("later")
    assert told == []
