"""Profiles of dbt with and without secrets."""

from __future__ import annotations

import pytest
from pants.engine.fs import FileContent

from cascade_pants.util_rules.dbt_profile import left_out_profiles, secrets_in_profiles, without_secrets

PROFILE = """\
# A comment with a password: hunter2
shop:
  target: prod
  outputs:
    prod:
      type: postgres
      host: db.example
      port: 5432
      user: loader
      {line}
      keepalives_idle: 0
"""


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("password: hunter2", "password"),
        ("pass: 1234", "pass"),
        ("token: dapi123", "token"),
        ("private_key_passphrase: x", "private_key_passphrase"),
        ("keyfile_json: {private_key: abc, project_id: p}", "private_key"),
        ("settings: {s3_secret_access_key: abc}", "s3_secret_access_key"),
        ("secrets: [{type: s3, secret: abc}]", "secret"),
        ("path: postgres://ann:hunter2@db/shop", "path"),
        ("password: \"{{ 'hunter2' }}\"", "password"),
        ("password: \"x{{ env_var('X') }}\"", "password"),
        ("password: |\n        hunter2", "password"),
    ],
)
def test_a_secret_is_found_with_its_line(line: str, key: str) -> None:
    assert secrets_in_profiles(PROFILE.replace("{line}", line).encode()) == [f"line 10: {key}"]


@pytest.mark.parametrize(
    "line",
    [
        "password: \"{{ env_var('DBT_ENV_SECRET_X') }}\"",
        'pass: \'{{ env_var("X", "") | trim }}\'',
        "password:",
        "password: ''",
        "client_session_keep_alive: true",
        "secrets: [{type: s3, secret: \"{{ env_var('X') }}\", provider: credential_chain, scope: 's3://b'}]",
        "schema: keys",
        "path: s3://bucket/key.duckdb",
        "sslmode: require",
        "authenticator: externalbrowser",
    ],
)
def test_what_is_no_secret(line: str) -> None:
    assert secrets_in_profiles(PROFILE.replace("{line}", line).encode()) == []


def test_what_cannot_be_read_may_hold_secrets() -> None:
    assert secrets_in_profiles(b"a: {{ env_var('X') }") == secrets_in_profiles(b"\xff") == ["it cannot be read"]
    assert secrets_in_profiles(b"") == []


def test_a_file_with_a_secret_is_left_out_and_named() -> None:
    secret = PROFILE.replace("{line}", "password: hunter2").encode()
    files = [
        FileContent("src/sql/profiles.yml", secret),
        FileContent("src/base/profiles.yml", b"base: {}"),
        FileContent("src/sql/models/profiles_of_users.yml", secret),
    ]
    packed = [FileContent(f"src/dev_dbt/0/{file.path}", file.content) for file in without_secrets(files)]
    assert [file.path for file in packed if b"hunter2" in file.content] == [
        "src/dev_dbt/0/src/sql/models/profiles_of_users.yml"
    ]
    said = left_out_profiles(packed, "src/dev_dbt/0")
    assert "secrets of a profile of dbt:\n  src/sql/profiles.yml, line 10: password\nRead each with `env_var`" in said
    assert "hunter2" not in said
    assert left_out_profiles(packed[1:], "src/dev_dbt/0") == ""
