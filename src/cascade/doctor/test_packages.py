"""Missing and outdated packages are found, and the hints install them."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import PackageMetadata
from typing import cast

import pytest

from cascade.doctor.packages import (
    check_extras,
    check_pytest,
    check_python,
    check_required,
    installed_version,
    own_requirements,
    read_requirements,
)

DESCRIBED = Message()
DESCRIBED["Requires-Python"] = ">=3.11,<3.15"
for _extra in ("dbt", "s3", "all"):
    DESCRIBED["Provides-Extra"] = _extra
for _text in (
    "dagster<2,>=1.13.27",
    "tomli>=1; python_version < '3'",
    "dbt-core<1.12; extra == 'dbt'",
    "dbt-duckdb>=1; extra == 'dbt'",
    "s3fs>=2025; extra == 's3'",
    "dbt-core<1.12; extra == 'all'",
    "s3fs>=2025; extra == 'all'",
):
    DESCRIBED["Requires-Dist"] = _text
REQUIREMENTS = read_requirements(cast("PackageMetadata", DESCRIBED))


@pytest.mark.parametrize(
    ("version", "status"), [("3.10.14", "problem"), ("3.12.1", "ok"), ("3.14.0", "ok"), ("3.15.0", "problem")]
)
def test_a_python_out_of_range_is_a_problem(version: str, status: str) -> None:
    found = check_python(version, REQUIREMENTS)
    assert found.status == status
    assert version in found.detail
    assert (found.hint is None) == (status == "ok")


def test_installed_packages_in_range_are_one_finding() -> None:
    (found,) = check_required(REQUIREMENTS, {"dagster": "1.14.0"}.get)
    assert (found.status, found.detail) == ("ok", "1 required packages are installed in supported versions")


def test_a_package_out_of_range_or_missing_is_a_problem() -> None:
    for version, said in (("1.12.0", "1.12.0 is installed"), (None, "it is not installed")):
        (found,) = check_required(REQUIREMENTS, lambda name, version=version: version)  # type: ignore[misc]
        assert (found.check, found.status) == ("package dagster", "problem")
        assert found.detail == f"{said}, but Cascade needs dagster<2,>=1.13.27"
        assert found.hint == "Type: pip install 'dagster<2,>=1.13.27'"


def test_sources_have_no_requirements_to_compare() -> None:
    assert own_requirements("a-distribution-that-nobody-installed") is None
    (found,) = check_required(None)
    assert found.status == "ok"
    assert "runs from its sources" in found.detail
    assert check_extras(None) == []
    assert check_python("3.10.14", None).status == "ok"


def test_the_requirements_of_an_installed_distribution_are_read() -> None:
    requirements = own_requirements("dagster")
    assert requirements is not None
    assert "click" in {requirement.name for requirement in requirements.packages}
    assert requirements.python


def test_extras_are_listed_without_the_one_that_combines_them() -> None:
    extras = {name: [package.name for package in packages] for name, packages in REQUIREMENTS.extras.items()}
    assert extras == {"dbt": ["dbt-core", "dbt-duckdb"], "s3": ["s3fs"]}


def test_a_missing_extra_is_fine_and_the_hint_installs_it() -> None:
    (found,) = check_extras(REQUIREMENTS, {"dbt-core": "1.11.16", "dbt-duckdb": "1.11.1"}.get)
    assert found.status == "ok"
    assert found.detail.startswith("installed: dbt; not installed, ")
    assert found.detail.endswith(": s3")
    assert found.hint == "Type: pip install 'cascade-workflows[s3]'"


def test_an_extra_with_a_missing_package_is_not_installed() -> None:
    (found,) = check_extras(REQUIREMENTS, {"dbt-core": "1.11.16", "s3fs": "2025.1"}.get)
    assert found.hint == "Type: pip install 'cascade-workflows[dbt]'"


def test_an_extra_for_other_versions_of_python_is_neither_installed_nor_suggested() -> None:
    described = Message()
    for extra in ("dbt", "s3"):
        described["Provides-Extra"] = extra
    described["Requires-Dist"] = "dbt-core<1.12; python_version < '3' and extra == 'dbt'"
    described["Requires-Dist"] = "s3fs>=2025; extra == 's3'"
    (found,) = check_extras(read_requirements(cast("PackageMetadata", described)), lambda name: None)
    assert found.detail.startswith("installed: none; not available on this version of Python: dbt; ")
    assert found.hint == "Type: pip install 'cascade-workflows[s3]'"


def test_an_outdated_package_of_an_extra_is_a_warning() -> None:
    installed = {"dbt-core": "1.12.0", "dbt-duckdb": "1.11.1", "s3fs": "2025.1"}
    listed, outdated = check_extras(REQUIREMENTS, installed.get)
    assert (listed.status, listed.hint) == ("ok", None)
    assert (outdated.check, outdated.status) == ("package dbt-core", "warning")
    assert outdated.hint == "Type: pip install 'dbt-core<1.12'"


def test_a_missing_pytest_is_a_warning() -> None:
    assert check_pytest().status == "ok"
    missing = check_pytest(lambda name: None)
    assert (missing.status, missing.hint) == ("warning", "Type: pip install 'cascade-workflows[testing]'")


def test_a_missing_distribution_has_no_version() -> None:
    assert installed_version("a-distribution-that-nobody-installed") is None
    assert installed_version("pytest")
