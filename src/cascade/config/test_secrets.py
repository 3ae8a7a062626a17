"""Which values count as secrets, and how values and strings with secrets are shown."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from cascade.config.secrets import MASK, is_secret_name, mask_secrets, masked_value, secret_values


@pytest.mark.parametrize(
    "name",
    ["my_token", "DBPASSWORD", "pgpassword", "pgpass", "s3_accesskey", "secretKey", "AWS_ACCESS_KEY_ID", "api-keys",
     "tokens", "SOURCES__X__CREDENTIALS", "basic.auth", "clientSecret"],
)  # fmt: skip
def test_names_of_secrets_are_recognized(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["station", "TOKENIZERS_PARALLELISM", "monkey", "author", "bypass", "secretary"])
def test_similar_names_are_not_secrets(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:hush@host/db", f"postgresql://me:{MASK}@host/db"),
        ("postgresql://me:hu@sh/hush@host/db", f"postgresql://me:{MASK}@host/db"),
        ("a://b:hush@c,d://e:hush@f", f"a://b:{MASK}@c,d://e:{MASK}@f"),
        ("redis://:hush@host:6379/0", f"redis://:{MASK}@host:6379/0"),
        ("https://hush@host/x", f"https://{MASK}@host/x"),
        ("bucket 'AKIA:hush@lake' is none", f"bucket 'AKIA:{MASK}@lake' is none"),
        ("/config?warehouse=s3%3A%2F%2FAKIA%3Ahush%40lake", f"/config?warehouse=s3%3A%2F%2FAKIA%3A{MASK}%40lake"),
        ("postgresql://db/x?user=me&password=hush&ssl=1", f"postgresql://db/x?user=me&password={MASK}&ssl=1"),
        ("https://h/?api_key=hush", f"https://h/?api_key={MASK}"),
        ("host=x password='hush hush' port=1", f"host=x password={MASK} port=1"),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("no bucket for ASIAIOSFODNN7EXAMPLE.", f"no bucket for {MASK}."),
        (f"bad credentials ghp_{'a1' * 20}", f"bad credentials {MASK}"),
        (f"github_pat_{'a1' * 20}: expired", f"{MASK}: expired"),
        (f"glpat-{'a1' * 10}", MASK),
        (f"xoxb-{'1' * 12}-x", MASK),
        (f"key AIza{'x' * 35}!", f"key {MASK}!"),
        (f"eyJ{'h' * 20}.eyJ{'p' * 20}.{'s' * 20}", MASK),
        (f"Authorization: Bearer {'t' * 24}", f"Authorization: Bearer {MASK}"),
        (f"authorization: basic {'t' * 22}==", f"authorization: basic {MASK}"),
        ("AccountKey=hush==;EndpointSuffix=x", f"AccountKey={MASK};EndpointSuffix=x"),
    ],
)
def test_a_secret_in_a_string_is_masked(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me@host/db",
        "http://127.0.0.1:3000/runs/1",
        "workflows/a.py:3: unique_key=('station',) of me@example.com",
        "s3://bucket/path, file:///a/b",
        "AKIA, AKIAlowercase1234567, XAKIAIOSFODNN7EXAMPLE, a basic explanation, the bearer of a name",
    ],
)
def test_other_strings_are_unchanged(text: str) -> None:
    assert mask_secrets(text) == text


def test_nested_values_are_checked_by_their_own_names() -> None:
    value = {"url": "https://u:hush@h", "inner": [{"token": "hush"}], "port": 1, "password": 12345678}
    shown = {"url": f"https://u:{MASK}@h", "inner": [{"token": MASK}], "port": 1, "password": MASK}
    assert masked_value("source", value) == shown
    assert masked_value("my_tokens", ["hush"]) == MASK
    assert masked_value("any", SecretStr("hush")) == MASK
    assert masked_value("my_token", None) is None


def test_nested_secrets_in_a_setting_are_found() -> None:
    value = {"user": "me", "inner": [{"token": "one"}], "auth": {"user": "two", "more": ["three"]}}
    assert list(secret_values("source", value)) == ["one", "two", "three"]
    assert list(secret_values("any", SecretStr("four"))) == ["four"]
