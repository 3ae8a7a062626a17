"""Cascade's pytest fixtures.

pytest finds them if the wheel is installed. Under Pants, and from a checkout, a `conftest.py` imports them:

    from cascade.testing.plugin import lakehouse, offline_http

    __all__ = ["lakehouse", "offline_http"]

pytest loads this module in every run of an environment that has the wheel. It imports nothing heavy, and a fixture
costs nothing until a test uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from cascade.config.root import legacy_package

if TYPE_CHECKING:
    from responses import RequestsMock

    from cascade.iceberg import Lakehouse

__all__ = ["lakehouse", "offline_http"]


def pytest_configure(config: pytest.Config) -> None:
    """Let the tests of a project in the layout from before version 1.0 import its modules, and hide a warning.

    No user can do anything about that one: dagster-dbt installs sqlglotrs, and sqlglot imports it.
    """
    config.addinivalue_line("filterwarnings", r"ignore:sqlglot(rs|\[rs\]) is deprecated")
    package = legacy_package(config.rootpath)
    if package is not None:
        from cascade.legacy.finder import activate

        activate(package)


@pytest.fixture
def lakehouse() -> Iterator[Lakehouse]:
    """Open an empty lakehouse for one test: an embedded catalog and a local warehouse.

    Pass it to `test_workflow` to run a workflow more than once, or several workflows into one lakehouse. It is separate
    from the project's tables, whatever the settings are, and is removed when the test ends.

        def test_the_same_day_again_changes_nothing(lakehouse: Lakehouse) -> None:
            first = test_workflow(observations, lakehouse=lakehouse)
            again = test_workflow(observations, lakehouse=lakehouse)
            assert not again.committed

    Yields:
        A `cascade.Lakehouse`.
    """
    from cascade.testing.lakehouse import throwaway_lakehouse

    with throwaway_lakehouse() as opened:
        yield opened


@pytest.fixture
def offline_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[RequestsMock]:
    """Answer HTTP requests without a network: from registered answers only.

        def test_a_page_lands(offline_http: RequestsMock) -> None:
            offline_http.get("https://api.example.com/v1/observations", json={"data": [{"id": 1}]})
            assert test_workflow(observations)

    The library `responses` answers everything that uses `requests`, including dlt's REST API source and
    `dlt.sources.helpers.requests`. `offline_http.calls` lists the requests. dlt retries a failed request as usual, but
    without waiting. Any other connection that leaves the machine, such as one of `httpx` or `urllib`, raises an error
    with its address. Connections to this machine work.

    Yields:
        A `responses.RequestsMock`.
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
