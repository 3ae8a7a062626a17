"""The configuration of sqlfluff."""

from __future__ import annotations

import pytest
from pants.engine.fs import FileContent

from cascade_pants.util_rules.sqlfluff_config import SqlfluffConfig, generated_profile, read_sqlfluff_config

SHOP = "src/sql/shop"
TOML = '[tool.sqlfluff.core]\ndialect = "duckdb"\ntemplater = "dbt"\n'


def read(**content: str) -> SqlfluffConfig | None:
    return read_sqlfluff_config([FileContent(path, text.encode()) for path, text in content.items()], SHOP)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".sqlfluff", "[sqlfluff]\ndialect = duckdb\n"),
        ("src/.sqlfluff", ""),
        (f"{SHOP}/setup.cfg", "[metadata]\nname = x\n[sqlfluff:rules]\na = b\n"),
        ("src/sql/tox.ini", "[sqlfluff]\n"),
        ("pep8.ini", "[sqlfluff]\n"),
        ("pyproject.toml", TOML),
    ],
)
def test_any_of_its_files_configures_it_in_the_project_or_above(path: str, text: str) -> None:
    config = read(**{path: text})
    assert config is not None and [one.path for one in config.files] == [path]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("setup.cfg", "[metadata]\nname = sqlfluff\n"),
        ("pyproject.toml", "[tool.ruff]\n"),
        (".sqlfluffignore", "target/\n"),
        # It holds for a part of the project, or for another one.
        (f"{SHOP}/models/.sqlfluff", "[sqlfluff]\n"),
        ("src/sql/shopping/.sqlfluff", "[sqlfluff]\n"),
    ],
)
def test_anything_else_does_not(path: str, text: str) -> None:
    assert read(**{path: text}) is None


def test_the_templater_is_that_of_the_nearest_file_and_the_last_of_a_directory() -> None:
    jinja, dbt = "[sqlfluff]\ntemplater = jinja\n", "[sqlfluff]\ntemplater = dbt\n"

    def templater(**content: str) -> str:
        config = read(**content)
        assert config is not None
        return config.templater

    assert templater(**{".sqlfluff": "[sqlfluff]\n"}) == "jinja"
    assert templater(**{f"{SHOP}/.sqlfluff": jinja, ".sqlfluff": dbt}) == "jinja"
    assert templater(**{".sqlfluff": jinja, "pyproject.toml": TOML, "setup.cfg": jinja}) == "dbt"
    # sqlfluff ignores one of a part of the project.
    assert templater(**{".sqlfluff": jinja, f"{SHOP}/models/.sqlfluff": dbt}) == "jinja"
    assert templater(**{".sqlfluff": dbt, f"{SHOP}/.sqlfluff": "[sqlfluff]\nrules = core\n"}) == "dbt"


def test_files_of_parts_of_the_project_come_along() -> None:
    inner, ignored = f"{SHOP}/models/gold/.sqlfluff", f"{SHOP}/models/.sqlfluffignore"
    config = read(**{".sqlfluff": "", inner: "[sqlfluff]\n", ignored: "a.sql\n"})
    assert config is not None and {one.path for one in config.files} == {".sqlfluff", inner, ignored}


def test_a_file_that_cannot_be_read_is_left_to_sqlfluff() -> None:
    for path, text in {".sqlfluff": "no section\n", "pyproject.toml": "[tool.sqlfluff\n"}.items():
        config = read(**{path: text})
        assert config is not None and config.templater == "jinja"


def test_a_value_with_the_name_of_a_section_is_left_to_sqlfluff() -> None:
    clash = "[sqlfluff]\ntemplater = raw\n[sqlfluff:templater]\njinja = 1\n[sqlfluff:templater:jinja]\na_path = b\n"
    config = read(**{".sqlfluff": clash})
    assert config is not None and (config.templater, config.globs) == ("raw", ())


def test_the_files_that_it_names_are_found_in_the_repository_alone() -> None:
    config = read(
        **{
            f"{SHOP}/.sqlfluff": "[sqlfluff:templater:jinja]\nload_macros_from_path = macros, ../shared/*.sql\n"
            "library_path = /etc\nloader_search_path = ~/x, ../../../../up\n"
            "[sqlfluff:templater:jinja:context]\nsome_path = data\n"
            "[sqlfluff:templater:dbt]\nproject_dir = other\nprofiles_dir = profiles\nprofile = p\n"
        }
    )
    assert config is not None
    assert config.globs == tuple(
        sorted(
            f"{path}{more}"
            for path in (f"{SHOP}/macros", "src/sql/shared/*.sql", f"{SHOP}/profiles")
            for more in ("", "/**")
        )
    )
    assert (config.profile, config.has_profiles) == ("p", True)


def test_the_paths_of_toml_are_relative_to_it() -> None:
    config = read(**{"src/pyproject.toml": '[tool.sqlfluff.templater.jinja]\nlibrary_path = "lib"\n'})
    assert config is not None and config.globs == ("src/lib", "src/lib/**")


@pytest.mark.parametrize(
    ("project", "configured", "name"),
    [
        (b"name: shop\nprofile: cascade\n", "", "cascade"),
        (b"profile: cascade\n", "[sqlfluff:templater:dbt]\nprofile = other\n", "other"),
        (b"- not: [a project", "", "cascade"),
        (b"profile: 7\n", "", "7"),
    ],
)
def test_a_profile_has_the_name_that_dbt_looks_for(project: bytes, configured: str, name: str) -> None:
    config = read(**{".sqlfluff": configured})
    assert config is not None
    text = generated_profile(project, config, "production").decode()
    assert text.splitlines()[0] in (f"{name}:", f"'{name}':") and "target: production" in text
