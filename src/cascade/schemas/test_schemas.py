"""The names that `cascade.schemas` exports, and the cost of importing it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cascade.schemas
from cascade.schemas import converter

EXPORTED = [
    "Batch",
    "Column",
    "DeclaredSchema",
    "RefusedRow",
    "ValidationResult",
    "Validator",
    "declared_schema",
    "to_iceberg_schema",
    "validator_for",
]


def test_the_exported_names_are_these() -> None:
    assert cascade.schemas.__all__ == EXPORTED
    assert set(EXPORTED) <= set(dir(cascade.schemas))
    assert all(getattr(cascade.schemas, name) is not None for name in EXPORTED)
    assert converter.__all__ == ["Column", "DeclaredSchema", "declared_schema", "to_iceberg_schema"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = cascade.schemas.nothing


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["pyarrow", "pydantic", "pandera", "polars", "pandas", "pyiceberg", "dagster", "dlt"]
    code = f"import sys, cascade.schemas; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert done.stdout.strip() == "[]"


def test_a_pydantic_model_loads_neither_pandera_nor_polars() -> None:
    code = (
        "import sys, pydantic\n"
        "from cascade.schemas import to_iceberg_schema, validator_for\n"
        "Model = pydantic.create_model('Model', id=(int, ...))\n"
        "to_iceberg_schema(Model, ('id',))\n"
        "validator_for(Model, unique_key=('id',)).validate([{'id': 1}])\n"
        "print([name for name in ('pandera', 'polars') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
