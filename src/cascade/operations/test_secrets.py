"""No secret of a setting gets into what runs and commands print, write and send."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cascade.config import CascadeConfig
from cascade.dbt import dbt_is_installed
from cascade.dbt.conftest import DBT_PROJECT, write_files
from cascade.framework.conftest import SampleProject
from cascade.operations.conftest import Cascade, LoopbackServer

pytest.importorskip("openlineage.client")
pytest.importorskip("opentelemetry.proto")

NOWHERE = "127.0.0.1:1"
# What fails with each of these settings.
UNREACHABLE = {
    "ICEBERG_CATALOG": (
        f"postgresql+psycopg2://me:{{}}@{NOWHERE}/catalog",
        f"http://me:{{}}@{NOWHERE}/iceberg",
    ),
    "NESSIE_URI": (f"http://me:{{}}@{NOWHERE}/iceberg",),
    "DAGSTER_DATABASE": (f"postgresql://me:{{}}@{NOWHERE}/dagster",),
}
FAILING = """
    import os
    import logging
    from datetime import date
    from pydantic import BaseModel
    from cascade import cascade_ingestion

    class Order(BaseModel):
        id: int

    @cascade_ingestion(table_name="orders", unique_key="id", validation_schema=Order, partition_start=date(2024, 1, 1))
    def orders(context, partition_date: str):
        url = os.environ["CASCADE_SHOP_URL"]
        context.log.info(f"asking {url}")
        if partition_date == "2024-01-02":
            raise ConnectionError(f"no answer from {url}")
        if partition_date == "2024-01-03":
            raise ValueError("no") from OSError(f"GET /?api_key={os.environ['SHOP_KEY']} failed")
        return [{"id": 1}, {"id": "one"}]
"""


def secret_settings() -> Iterator[str]:
    """Yield the names of all settings that are secrets, those that are added later too."""
    for name, field in CascadeConfig.model_fields.items():
        if "SecretStr" in str(field.annotation) or field.annotation is SecretStr:
            yield name


@pytest.fixture
def planted(things: SampleProject, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Set every secret setting to a value of its own, and return the secrets."""
    found: list[str] = []

    def secret(name: str) -> str:
        found.append(f"hush-{name.lower().replace('_', '-')}-{len(found)}q")
        return found[-1]

    forms = {
        "alert_webhook": f"{receiver.url}/{{}}",
        "alert_slack": f"{receiver.url}/services/{{}}",
        "otlp_headers": "Authorization=Bearer {}",
        "catalog_credential": "me:{}",
    }
    for name in secret_settings():
        monkeypatch.setenv(f"CASCADE_{name.upper()}", forms.get(name, "{}").format(secret(name)))
    with_user = receiver.url.replace("://", "://me:{}@")
    for name in ("OPENLINEAGE_URL", "OTLP_ENDPOINT", "SHOP_URL"):
        monkeypatch.setenv(f"CASCADE_{name}", with_user.format(secret(name)))
    monkeypatch.setenv("CASCADE_SHOP_TOKEN", secret("shop_token"))
    monkeypatch.setenv("SHOP_KEY", secret("shop_key"))
    monkeypatch.setenv("CASCADE_LOG_FORMAT", "json")
    # Nothing answers there: a mail is not sent, and the warning must not show the password.
    for name, value in (("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", "1"), ("SMTP_USER", "me"), ("ALERT_EMAIL", "a@b.c")):
        monkeypatch.setenv(f"CASCADE_{name}", value)
    (things.root / ".env").write_text(f"SOURCES__SHOP__PASSWORD={secret('dlt')}\n")
    return found


def leaks(texts: dict[str, bytes], secrets: list[str]) -> list[tuple[str, str, str]]:
    """Return what was found: the secret, where, and the text around it."""
    found = []
    for where, text in texts.items():
        for secret in secrets:
            if (at := text.find(secret.encode())) >= 0:
                found.append((secret, where, text[max(0, at - 120) : at + 40].decode(errors="replace")))
    return found


def written(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != ".env"}


def test_no_secret_leaves_the_settings(
    cascade: Cascade,
    things: SampleProject,
    planted: list[str],
    receiver: LoopbackServer,
    capfd: pytest.CaptureFixture[str],
) -> None:
    things.write("orders.py", FAILING)
    commands = [
        ("materialize", "orders", "--partition-range", "2024-01-01...2024-01-03"),
        ("--debug", "materialize", "orders", "--partition", "2024-01-02", "--verbose"),
        ("materialize", "orders", "--partition", "2024-01-01", "--json"),
        ("config", "show"),
        ("doctor", "--json"),
        ("status",),
        ("list", "--json"),
        ("metrics",),
    ]
    texts = {" ".join(words): cascade(*words).output.encode() for words in commands}
    if dbt_is_installed():
        write_files(things.root, DBT_PROJECT)
        texts["dbt"] = cascade("dbt", "--debug", "build").output.encode()
        assert (things.root / ".cascade/dbt/target/run_results.json").is_file()
    texts["standard streams"] = "".join(capfd.readouterr()).encode()
    assert [path for path, _ in receiver.bodies if path.startswith("/api/v1/lineage")]
    kinds = {"/v1/metrics", "/api/v1/lineage"}
    assert kinds < {path for path, _ in receiver.bodies}, "alerts were sent too"
    texts |= {f"body {number}": body for number, (_, body) in enumerate(receiver.bodies)}
    texts |= written(things.root)
    assert any(path.endswith("index.db") for path in texts)
    assert leaks(texts, planted) == []


def test_no_secret_is_in_the_error_of_a_server_that_cannot_be_reached(
    cascade: Cascade, things: SampleProject, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    texts: dict[str, bytes] = {}
    for name, urls in UNREACHABLE.items():
        for url in urls:
            with monkeypatch.context() as patch:
                patch.setenv(f"CASCADE_{name}", url.format("hush-hush"))
                for words in (("--debug", "materialize", "things", "--partition", "2024-01-01"), ("doctor",)):
                    result = cascade(*words)
                    assert result.exit_code != 0, result.output
                    texts[f"{name} {url} {words}"] = result.output.encode()
    texts["standard streams"] = "".join(capfd.readouterr()).encode()
    assert leaks(texts | written(things.root), ["hush-hush"]) == []


def test_passwords_of_services_are_in_private_files_alone(
    cascade: Cascade, things: SampleProject, planted: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    texts = {
        " ".join(words): cascade(*words).output.encode()
        for words in (("services", "init", "--compose"), ("services", "status", "--json"), ("config", "show"))
    }
    texts["standard streams"] = "".join(capfd.readouterr()).encode()
    own, environment = things.root / ".cascade/services", things.root / ".env"
    texts |= written(things.root)
    assert leaks(texts, planted) == []
    passwords = list(json.loads((own / "stack.json").read_text())["secrets"].values())
    found = {place for _, place, _ in leaks(texts | {str(environment): environment.read_bytes()}, passwords)}
    private = {own / "stack.json", own / "compose.yaml", environment}
    assert found == {str(file) for file in private}
    assert {stat.S_IMODE(file.stat().st_mode) for file in private} == {0o600}
