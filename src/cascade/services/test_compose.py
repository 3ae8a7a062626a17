"""The compose file has the ports, passwords and settings of the stack."""

from __future__ import annotations

from dataclasses import replace

import yaml

from cascade.services.compose import compose_text
from cascade.services.stack import Stack


def test_every_service_listens_on_loopback_on_the_ports_of_the_stack(stack: Stack) -> None:
    document = yaml.safe_load(compose_text(stack))
    published = {
        name: {(port["host_ip"], int(port["published"])) for port in service.get("ports", ())}
        for name, service in document["services"].items()
    }
    expected = {"postgres": ["postgres"], "seaweedfs": ["s3", "iceberg"], "trino": ["trino"], "buckets": []}
    assert published == {name: {("127.0.0.1", stack.ports[port]) for port in ports} for name, ports in expected.items()}
    assert document["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"] == stack.secrets["postgres"]


def test_every_file_volume_and_dependency_is_defined(stack: Stack) -> None:
    document = yaml.safe_load(compose_text(stack))
    services = document["services"].values()
    assert {config["source"] for service in services for config in service.get("configs", ())} == {*document["configs"]}
    volumes = {volume.partition(":")[0] for service in services for volume in service.get("volumes", ())}
    assert volumes == {*document["volumes"]}
    assert {name for service in services for name in service.get("depends_on", ())} <= {*document["services"]}
    catalog = document["configs"]["trino-iceberg-properties"]["content"]
    assert "uri=http://seaweedfs:8181\n" in catalog and stack.secrets["s3_secret"] in catalog


def test_compose_replaces_nothing_in_passwords(stack: Stack) -> None:
    text = compose_text(replace(stack, secrets={**stack.secrets, "postgres": "a$HOME: 'b'"}))
    assert yaml.safe_load(text)["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"] == "a$$HOME: 'b'"
