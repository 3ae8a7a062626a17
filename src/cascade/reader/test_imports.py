"""What a module imports, and whether a function of it declares a workflow each time that it is called."""

from __future__ import annotations

import pytest

from .modules import read_module
from .names import absolute


def test_imports_are_listed_as_they_are_written() -> None:
    module = read_module(b"import a.b as c\nfrom ..d import e\nfrom . import f\nfrom company.factories import make\n")
    assert module.imports == ("a.b", "..d", "..d.e", ".", ".f", "company.factories", "company.factories.make")
    assert absolute("..d.e", "x.y.z") == "x.d.e"
    assert absolute(".f", "x.y", is_package=True) == "x.y.f"
    assert absolute("a.b", "x.y") == "a.b"


@pytest.mark.parametrize(
    ("source", "declares", "factory"),
    [
        ("@cascade_ingestion(table_name='t')\ndef f(): ...", True, False),
        ("flights = cascade_ingestion(table_name='t')(fetch)", True, False),
        ("def make(name):\n    @cascade_ingestion(table_name=name)\n    def f(): ...\n    return f", False, True),
        ("def make(name):\n    return cascade_ingestion(table_name=name)(fetch)", False, True),
        ("from cascade import cascade_ingestion as ingest\ndef make():\n    return ingest()(fetch)", False, True),
        ("flights = make('flights')", False, False),
        ("@dg.asset\ndef f(): ...", False, False),
        ("def make(name):\n    return functools.partial(cascade_ingestion, table_name=name)", False, True),
        ("def make():\n    '''Apply cascade_ingestion to it.'''", False, False),
    ],
)
def test_a_module_that_declares_and_one_that_has_a_factory(source: str, declares: bool, factory: bool) -> None:
    module = read_module(f"import dagster as dg\n{source}\n".encode())
    assert (module.declares_workflow, module.has_factory) == (declares, factory)
