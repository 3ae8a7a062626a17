"""The fixtures of Cascade, for pytest.

Where the wheel is installed, pytest finds them by itself. Under Pants, and from a checkout, a `conftest.py` imports
them:

    from cascade.testing.plugin import lakehouse, offline_http

    __all__ = ["lakehouse", "offline_http"]

pytest loads this module in every run of an environment that has the wheel: it imports nothing heavy, and a fixture
costs nothing until a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from responses import RequestsMock

    from cascade.iceberg import Lakehouse

__all__ = ["lakehouse", "offline_http"]


@pytest.fixture
def lakehouse() -> Iterator[Lakehouse]:
    """A lakehouse of the test's own, with no tables in it: an embedded catalog and a local warehouse.

    Give it to `test_workflow` to run a workflow more than once, or several workflows into one lakehouse. Nothing of it
    reaches the project's tables, whatever the settings say, and it is gone when the test ends.

        def test_the_same_day_again_changes_nothing(lakehouse: Lakehouse) -> None:
            first = test_workflow(observations, lakehouse=lakehouse)
            again = test_workflow(observations, lakehouse=lakehouse)
            assert not again.committed

    Yields:
        a `cascade.iceberg.Lakehouse`.
    """
    from cascade.testing.lakehouse import throwaway_lakehouse

    with throwaway_lakehouse() as opened:
        yield opened


@pytest.fixture
def offline_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[RequestsMock]:
    """HTTP without a network: requests get the registered answers, and anything else is an error.

        def test_a_page_lands(offline_http: RequestsMock) -> None:
            offline_http.get("https://api.example.com/v1/observations", json={"data": [{"id": 1}]})
            assert test_workflow(observations)

    The answers are those of the library `responses`, and serve whatever uses `requests`: dlt's REST API source and its
    `dlt.sources.helpers.requests` among them. `offline_http.calls` has what was asked for. dlt repeats a failed request
    as always, and does not wait before it. Every other connection that leaves the machine, of `httpx` or `urllib` for
    example, is refused by an error that names its address. Connections to this machine work.

    Yields:
        a `responses.RequestsMock`.
    """
    if find_spec("responses") is None:
        pytest.fail(
            "The fixture offline_http needs the package responses. Type: pip install 'cascade-workflows[testing]'",
            pytrace=False,
        )
    from cascade.testing.answers import registered_answers
    from cascade.testing.network import no_network

    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0")
    with no_network(), registered_answers() as answers:
        yield answers
