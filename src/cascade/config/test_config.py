"""The sources of settings, their precedence, and the errors."""

from __future__ import annotations

import warnings
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from cascade.config import CascadeConfig, ConfigWarning, find_project_root
from cascade.exceptions import ConfigError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("CASCADE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_first_source_that_has_a_setting_wins(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ("postgres_host", "postgres_user", "postgres_db", "trino_host")
    monkeypatch.setenv("CASCADE_POSTGRES_HOST", "environment")
    write(root, ".env", "".join(f"CASCADE_{key.upper()}=dotenv\n" for key in keys[:2]))
    write(root, "cascade_config.py", "".join(f"{key} = 'python'\n" for key in keys[:3]))
    write(root, "pyproject.toml", "[tool.cascade]\n" + "".join(f"{key} = 'toml'\n" for key in keys))

    config = CascadeConfig.from_user_config()

    assert [getattr(config, key) for key in keys] == ["environment", "dotenv", "python", "toml"]
    assert [config.source_of(key) for key in keys] == ["environment", ".env", "cascade_config.py", "pyproject.toml"]
    assert config.source_of("nessie_ref") == "default"


def test_values_have_the_declared_types(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_AUTOMATION", "true")
    monkeypatch.setenv("CASCADE_PARTITION_START", "2013-01-01")
    monkeypatch.setenv("CASCADE_POSTGRES_PASSWORD", "hunter2")
    monkeypatch.setenv("CASCADE_TRINO_HOST", "")

    config = CascadeConfig()

    assert config.automation is True
    assert config.partition_start == date(2013, 1, 1)
    assert config.postgres_password == SecretStr("hunter2")
    assert config.trino_host is None
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config.describe())


def test_a_bad_value_names_every_source_and_hides_secrets(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PORT", "many")
    write(root, "pyproject.toml", "[tool.cascade]\npartition_start = 'yesterday'\npostgres_password = [1]\n")

    with pytest.raises(ConfigError) as caught:
        CascadeConfig.from_user_config()

    text = str(caught.value)
    assert "CASCADE_POSTGRES_PORT in the environment is 'many'" in text
    assert f"partition_start in {root / 'pyproject.toml'} [tool.cascade] is 'yesterday'" in text
    assert "postgres_password" in text
    assert "[1]" not in text
    assert "dagster_home" not in text
    assert caught.value.exit_code == 2


def test_an_error_in_the_config_file_names_its_line(root: Path) -> None:
    path = write(root, "cascade_config.py", "automation = True\nworkflows_path = undefined\n")
    with pytest.raises(ConfigError, match="undefined") as caught:
        CascadeConfig.from_user_config()
    assert str(caught.value.location) == f"{path}:2"


def test_an_error_in_pyproject_names_its_line(root: Path) -> None:
    write(root, "pyproject.toml", "[tool.cascade]\nautomation = maybe\n")
    with pytest.raises(ConfigError) as caught:
        CascadeConfig.from_user_config()
    assert caught.value.location is not None
    assert caught.value.location.line == 2


def test_a_binary_pyproject_marks_the_root_and_is_an_error(root: Path) -> None:
    (root / "pyproject.toml").write_bytes(b"[tool.cascade]\nproject_name = 'caf\xe9'\n")
    below = root / "below"
    below.mkdir()
    assert find_project_root(below) == root
    with pytest.raises(ConfigError, match=r"Cannot read .*pyproject\.toml: 'utf-8' codec"):
        CascadeConfig.from_user_config(root)


def test_a_close_name_warns_and_other_names_are_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_AUTOMATON", "true")
    monkeypatch.setenv("CASCADE_STATION", "KNYC")
    with pytest.warns(
        ConfigWarning, match=r"CASCADE_AUTOMATON in the environment .* Did you mean CASCADE_AUTOMATION\?"
    ):
        config = CascadeConfig()
    assert config.station == "KNYC"  # type: ignore[attr-defined]
    assert config.automation is False


def test_extras_that_look_like_secrets_are_masked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_NOAA_TOKEN", "abc123")
    monkeypatch.setenv("CASCADE_ICEBERG_CATALOG", "postgresql://me:abc123@host/db")
    config = CascadeConfig()
    shown = {setting.name: setting.value for setting in config.describe()}
    assert shown["noaa_token"] == "**********"
    assert shown["iceberg_catalog"] == "postgresql://me:**********@host/db"
    assert "abc123" not in repr(config)
    assert config.noaa_token.get_secret_value() == "abc123"  # type: ignore[attr-defined]


def test_a_byte_order_mark_hides_no_setting(root: Path) -> None:
    (root / ".env").write_bytes(b"\xef\xbb\xbfCASCADE_POSTGRES_HOST=db\n")
    assert CascadeConfig.from_user_config(root).postgres_host == "db"


def test_other_keys_of_dotenv_are_for_dlt_only(root: Path) -> None:
    write(root, ".env", "SOURCES__GITHUB__TOKEN=xyz\nCASCADE_AUTOMATION=true\n")
    config = CascadeConfig.from_user_config()
    assert config.dlt_values == {"SOURCES__GITHUB__TOKEN": "xyz"}
    assert "xyz" not in str(config.model_dump()) + repr(config)
    assert config.automation is True


def test_dlt_prefers_the_environment_then_dotenv(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dlt

    from cascade.config.dlt_provider import register_dlt_provider

    register_dlt_provider({"SOURCES__CASCADE_TEST__TOKEN": "dotenv", "SOURCES__CASCADE_TEST__USER": "dotenv"})
    try:
        monkeypatch.setenv("SOURCES__CASCADE_TEST__TOKEN", "environment")
        assert dlt.secrets["sources.cascade_test.token"] == "environment"
        assert dlt.secrets["sources.cascade_test.user"] == "dotenv"
    finally:
        register_dlt_provider({})


def test_relative_paths_are_relative_to_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_WAREHOUSE", "lake")
    config = CascadeConfig(dagster_home="home")
    assert config.iceberg_warehouse == str(root / "lake")
    assert config.dagster_home == root / "home"
    assert config.dlt_directory == root / ".cascade" / "dlt"
    assert config.source_of("dagster_home") == "argument"


@pytest.mark.parametrize("catalog", ["CASCADE_ICEBERG_CATALOG", "CASCADE_NESSIE_URI"])
def test_the_warehouse_of_a_rest_catalog_is_a_name(root: Path, monkeypatch: pytest.MonkeyPatch, catalog: str) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_WAREHOUSE", "sales")
    assert CascadeConfig.from_user_config().iceberg_warehouse == str(root / "sales")
    monkeypatch.setenv(catalog, "https://catalog/api")
    assert CascadeConfig.from_user_config().iceberg_warehouse == "sales"


def test_a_tilde_that_names_no_user_is_an_error_with_the_path_to_write(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_ICEBERG_WAREHOUSE", "~nobody-at-all/lake")
    with pytest.raises(ConfigError, match="there is no user 'nobody-at-all'") as caught:
        CascadeConfig.from_user_config()
    assert "write a directory of that name as ./~nobody-at-all/lake" in str(caught.value)
    monkeypatch.delenv("CASCADE_ICEBERG_WAREHOUSE")
    (root / "~nobody-at-all").mkdir()
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", "~nobody-at-all")
    assert CascadeConfig.from_user_config().project_root == root / "~nobody-at-all"


def test_the_root_is_the_variable_or_the_marked_directory_or_the_working_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = root / "a" / "b"
    below.mkdir(parents=True)
    assert find_project_root(below) == below
    write(root, "pyproject.toml", "[project]\nname = 'x'\n")
    assert find_project_root(below) == below
    write(root, "pyproject.toml", "[tool.cascade]\n")
    assert find_project_root(below) == root
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", str(root / "a"))
    assert find_project_root(below) == root / "a"
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", str(root / "missing"))
    with pytest.raises(ConfigError, match="is not a directory"):
        find_project_root(below)


def test_a_pex_falls_back_to_the_files_it_carries(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = root / "pex"
    shipped.mkdir()
    write(shipped, "cascade_config.py", "trino_host = 'shipped'\n")
    write(shipped, ".env", "CASCADE_TRINO_HOST=never\n")
    monkeypatch.setenv("CASCADE_SETTINGS_DIRECTORY", str(shipped))
    assert CascadeConfig.from_user_config().trino_host == "shipped"
    write(root, "cascade_config.py", "trino_host = 'own'\n")
    assert CascadeConfig.from_user_config().trino_host == "own"


def test_reading_the_settings_does_not_warn(root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CascadeConfig.from_user_config()


def test_the_table_names_every_key() -> None:
    from cascade.config import settings_table

    table = settings_table()
    for name, info in CascadeConfig.model_fields.items():
        assert f"`CASCADE_{name.upper()}`" in table
        assert info.description, f"{name} needs a description"


@pytest.mark.parametrize("line", ["not a setting: hunter2", "CASCADE_TRINO_HOST='open", "=hunter2"])
def test_an_invalid_line_of_dotenv_is_located_but_not_repeated(root: Path, line: str) -> None:
    write(root, ".env", f"# Mine\nCASCADE_AUTOMATION=true\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        CascadeConfig.from_user_config(root)
    assert str(caught.value) == f"{root / '.env'}:3: This line does not have the form KEY=value."


def test_a_deleted_working_directory_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASCADE_PROJECT_ROOT", raising=False)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="no longer exists"):
        find_project_root()


def test_the_command_that_the_user_typed_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASCADE_PROGRAM", "pants run :dev --")
    monkeypatch.setenv("CASCADE_PAGE_SIZE", "500")
    extras = CascadeConfig.from_user_config().model_extra
    assert extras == {"page_size": "500"}
