"""What a stack keeps, and the lines that it writes to `.env`."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import CascadeError, UsageError
from cascade.services.project_settings import has_settings, write_settings
from cascade.services.stack import FILE, PORTS, Stack, create_stack, is_free, open_stack, with_new_ports

SETTINGS = {"CASCADE_S3_ENDPOINT": "http://127.0.0.1:1", "CASCADE_S3_SECRET_ACCESS_KEY": "geheim"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_ports_and_passwords_are_kept_where_only_the_owner_can_read_them(tmp_path: Path) -> None:
    assert open_stack(tmp_path / "services") is None
    stack = create_stack(tmp_path / "services")
    assert open_stack(tmp_path / "services") == stack
    assert mode(stack.directory / FILE) == 0o600
    assert (stack.directory / ".gitignore").read_text() == "*\n"
    assert len({*stack.ports.values()}) == len(PORTS)
    other = create_stack(tmp_path / "other")
    assert not {*stack.secrets.values()} & {*other.secrets.values()}


def test_new_ports_are_others_and_passwords_stay(stack: Stack) -> None:
    moved = with_new_ports(stack)
    assert not {*moved.ports.values()} & {*stack.ports.values()}
    assert open_stack(stack.directory) == moved
    assert moved.secrets == stack.secrets


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ports": {}}', '{"ports": {"s3": "x"}, "secrets": {}}'])
def test_a_damaged_file_is_not_replaced(stack: Stack, text: str) -> None:
    (stack.directory / FILE).write_text(text)
    with pytest.raises(CascadeError, match="is damaged"):
        open_stack(stack.directory)
    assert (stack.directory / FILE).read_text() == text


def test_a_port_is_free_until_somebody_listens(stack: Stack, listening: Callable[[int], None]) -> None:
    port = stack.ports["s3"]
    assert is_free(port)
    listening(port)
    assert not is_free(port)


def test_settings_are_added_replaced_and_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# Mine.\nSOURCES__A=b")
    file.chmod(0o644)
    assert write_settings(file, SETTINGS)
    assert file.read_text().startswith("# Mine.\nSOURCES__A=b\n\n# ---")
    assert mode(file) == 0o600
    assert has_settings(file, SETTINGS)
    config = CascadeConfig(project_root=tmp_path)
    assert (config.s3_endpoint, config.dlt_values) == ("http://127.0.0.1:1", {"SOURCES__A": "b"})
    assert config.s3_secret_access_key is not None and config.s3_secret_access_key.get_secret_value() == "geheim"
    assert not write_settings(file, SETTINGS)
    with file.open("a") as opened:
        opened.write("CASCADE_AUTOMATION=true\n")
    moved = {"CASCADE_S3_ENDPOINT": "http://127.0.0.1:2"}
    assert write_settings(file, moved)
    assert has_settings(file, moved) and not has_settings(file, SETTINGS)
    assert file.read_text().count("CASCADE_S3_ENDPOINT") == 1
    assert file.read_text().startswith("# Mine.\n") and file.read_text().endswith("\nCASCADE_AUTOMATION=true\n")


def test_a_line_of_the_users_own_is_not_overruled(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write_settings(file, {"CASCADE_POSTGRES_DB": "marts"})
    written = file.read_text() + "# Of the company.\nexport CASCADE_S3_ENDPOINT=https://s3.example.com\n"
    file.write_text(written)
    with pytest.raises(UsageError) as raised:
        write_settings(file, SETTINGS)
    assert raised.value.location is not None
    assert "CASCADE_S3_ENDPOINT" in written.splitlines()[raised.value.location.line - 1]
    assert file.read_text() == written
    # A comment and an empty value set nothing.
    file.write_text("# CASCADE_S3_ENDPOINT=x\nCASCADE_S3_SECRET_ACCESS_KEY=\n")
    assert write_settings(file, SETTINGS)
    assert CascadeConfig(project_root=tmp_path).s3_endpoint == "http://127.0.0.1:1"


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "elsewhere")
    write_settings(tmp_path / ".env", SETTINGS)
    assert (tmp_path / ".env").is_symlink() and mode(tmp_path / "elsewhere") == 0o600
