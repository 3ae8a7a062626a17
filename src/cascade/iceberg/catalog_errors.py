"""Why a catalog cannot be used, in words that name the setting to correct."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from cascade.config.secrets import mask_secrets
from cascade.exceptions import ConfigError
from cascade.iceberg.server_properties import is_glue
from cascade.program import typed

_ADDRESS = "CASCADE_ICEBERG_CATALOG or CASCADE_NESSIE_URI"
_REASON = re.compile(r"\[(?:Errno -?\d+|SSL)[^\]]*\] ([^()\"'\\]+)")
_SERVER = re.compile(r"host='([^']+)', port=(\d+)")
_PORTS = {"http": 80, "https": 443}
_LOGIN = frozenset({"OAuthError", "UnauthorizedError", "ForbiddenError", "AuthorizationExpiredError"})
_OF_AWS = frozenset({"BotoCoreError", "ClientError"})
# What servers say of a warehouse that they do not have, in an answer of 404.
_NO_WAREHOUSE = re.compile(
    r"(?i)\b(?:warehouse|bucket|catalog)\b.*\b(?:not found|not exist|unknown)|unable to find warehouse"
)
# What SQLite says of a file.
_DAMAGED = re.compile(r"database disk image is malformed|file is not a database")


class Explanation(NamedTuple):
    """What is wrong with a catalog.

    Args:
        message: a sentence without its full stop.
        hint: what to correct.
    """

    message: str
    hint: str


def explain_catalog_error(uri: str, error: BaseException) -> Explanation:
    """Explain why a catalog did not do what it was asked.

    Args:
        uri: the catalog's address.
        error: what opening or asking it raised.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = mask_secrets((str(error).strip().splitlines() or [type(error).__name__])[0])
    place = f"the Iceberg catalog at {shown_uri(uri)}"
    if kinds & {"ConnectionError", "Timeout"} and "RequestException" in kinds:
        reason = _REASON.search(said)
        why = reason[1].strip() if reason else said
        if (login := _other_server(uri, said)) is not None:
            return Explanation(
                f"Cannot reach {login}, where the client of {place} gets its token: {why}",
                "Start that server, or correct CASCADE_CATALOG_OAUTH2_URI.",
            )
        return Explanation(
            f"Cannot reach {place}: {why}",
            f"Start the server, or correct the address in {_ADDRESS}.",
        )
    if "NotInstalledError" in kinds and is_glue(uri):
        return Explanation("The library of AWS Glue is not installed", "Type: pip install 'pyiceberg[glue]'")
    if is_glue(uri) and kinds & _OF_AWS:
        return Explanation(
            f"AWS Glue cannot be used: {said}",
            "Check the region in CASCADE_ICEBERG_CATALOG, and CASCADE_S3_ACCESS_KEY_ID and "
            "CASCADE_S3_SECRET_ACCESS_KEY or, without them, AWS's own variables or profile.",
        )
    if kinds & _LOGIN and "invalid_scope" in said:
        return Explanation(f"The login is refused by {place}: {said}", "Correct CASCADE_CATALOG_SCOPE.")
    if kinds & _LOGIN:
        return Explanation(
            f"The login is refused by {place}: {said}",
            "Set CASCADE_CATALOG_CREDENTIAL to id:secret of a client, or CASCADE_CATALOG_TOKEN to a token.",
        )
    if _NO_WAREHOUSE.search(said):
        return Explanation(
            f"There is no such warehouse in {place}: {said}",
            "Set CASCADE_ICEBERG_WAREHOUSE to the name that the catalog has for its warehouse.",
        )
    if "RESTError" in kinds and ("unexpected JSON" in said or "Not Found" in said or "Path not found" in said):
        return Explanation(
            f"No Iceberg REST catalog answers at {shown_uri(uri)}: {said}",
            f"Correct the address in {_ADDRESS}: it ends where the path of the protocol, /v1, begins.",
        )
    if "DatabaseError" in kinds and (reason := _DAMAGED.search(said)):
        return Explanation(
            f"The file of {place} is damaged: {reason[0]}",
            "Restore it from a copy, or move it away and rebuild it from the files of the warehouse: "
            + typed("doctor --recover"),
        )
    return Explanation(f"Cannot open {place}: {said}", f"Check {_ADDRESS}, and that the server is running.")


def _other_server(uri: str, said: str) -> str | None:
    """Return the server that did not answer, if it is not the catalog itself."""
    found, catalog = _SERVER.search(said), urlsplit(uri)
    if found is None or (found[1], int(found[2])) == (catalog.hostname, catalog.port or _PORTS.get(catalog.scheme)):
        return None
    return f"{found[1]}:{found[2]}"


def unreachable(uri: str, error: BaseException) -> ConfigError:
    """Return the error for a catalog that cannot be opened.

    Args:
        uri: the catalog's address.
        error: what opening it raised.
    """
    message, hint = explain_catalog_error(uri, error)
    return ConfigError(message, hint=hint)


def shown_uri(uri: str) -> str:
    """Return the address of a catalog without its password and without the query that Cascade adds."""
    return mask_secrets(uri).split("?")[0]
