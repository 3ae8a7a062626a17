"""Errors as catalogs and pyiceberg word them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.exceptions import NoSuchNamespaceError, OAuthError, RESTError, UnauthorizedError
from requests.exceptions import ConnectionError as NoConnectionError

from cascade.exceptions import ConfigError
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.catalog_errors import explain_catalog_error, unreachable
from cascade.iceberg.conftest import Settings

REFUSED = "HTTPConnection(host='h', port=1): Failed to establish a new connection: [Errno 111] Connection refused"
UNKNOWN = "HTTPConnection(host='h', port=1): Failed to resolve 'h' ([Errno -2] Name or service not known)"
NO_BUCKET = "NoSuchNamespaceException: table bucket lake not found: each table bucket is a separate catalog"


@pytest.mark.parametrize(
    ("error", "message", "setting"),
    [
        (
            NoConnectionError(f'Max retries exceeded (Caused by NewConnectionError("{REFUSED}"))'),
            "refused",
            "ICEBERG_CAT",
        ),
        (
            NoConnectionError(f'(Caused by NameResolutionError("{UNKNOWN}"))'),
            ": Name or service not known",
            "ICEBERG_CAT",
        ),
        (OAuthError("invalid_client: Invalid client credentials"), "login is refused", "CATALOG_CREDENTIAL"),
        (UnauthorizedError("NotAuthorizedException: Bearer token is invalid"), "login is refused", "CATALOG_TOKEN"),
        (NoSuchNamespaceError(NO_BUCKET), "no such warehouse", "ICEBERG_WAREHOUSE"),
        (RESTError("NotFoundException: Unable to find warehouse lake"), "no such warehouse", "ICEBERG_WAREHOUSE"),
        (RESTError("RESTError 405: Received unexpected JSON Payload: <?xml"), "No Iceberg REST", "ICEBERG_CATALOG"),
        (RESTError("NotFound: Path not found"), "No Iceberg REST catalog answers", "ICEBERG_CATALOG"),
        (RuntimeError("something else"), "Cannot open the Iceberg catalog", "ICEBERG_CATALOG"),
    ],
)
def test_an_error_names_the_setting_that_is_wrong(error: Exception, message: str, setting: str) -> None:
    found = explain_catalog_error("http://me:hunter22@h:1/p?x=1", error)
    assert message in found.message
    assert "http://me:**********@h:1/p" in found.message
    assert f"CASCADE_{setting}" in found.hint
    raised = unreachable("http://h:1", error)
    assert raised.hint == found.hint
    assert "hunter22" not in f"{found} {raised}"


def test_a_login_server_of_its_own_is_told_from_the_catalog() -> None:
    found = explain_catalog_error("http://h:2/p", NoConnectionError(f'(Caused by NewConnectionError("{REFUSED}"))'))
    assert found.message.startswith("Cannot reach h:1, where the client of the Iceberg catalog at http://h:2/p gets")
    assert "CASCADE_CATALOG_OAUTH2_URI" in found.hint
    refused = explain_catalog_error("http://h", OAuthError("invalid_scope: The scope is invalid"))
    assert refused.hint == "Correct CASCADE_CATALOG_SCOPE."


def test_a_login_to_glue_names_its_settings() -> None:
    class ClientError(Exception):
        pass

    found = explain_catalog_error("glue://eu-central-1", ClientError("UnrecognizedClientException: invalid token"))
    assert found.message.startswith("AWS Glue cannot be used: Unrecognized")
    assert "CASCADE_S3_ACCESS_KEY_ID" in found.hint


@pytest.mark.parametrize("content", [b"nothing that SQLite wrote" * 100, None], ids=["foreign", "cut"])
def test_a_damaged_catalog_is_called_so(tmp_path: Path, content: bytes | None) -> None:
    settings = Settings(tmp_path)
    open_lakehouse(settings).catalog.create_namespace("raw")
    file = tmp_path / "catalog.db"
    file.write_bytes(file.read_bytes()[:9000] if content is None else content)
    with pytest.raises(
        ConfigError, match=r"The file of the Iceberg catalog at sqlite:.*catalog\.db is damaged: "
    ) as raised:
        open_lakehouse(settings)
    assert raised.value.hint is not None and raised.value.hint.endswith(": cascade doctor --recover")
