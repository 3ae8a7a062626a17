"""What pyiceberg must know to log in to a REST catalog and to reach an object store."""

from __future__ import annotations

from urllib.parse import urlsplit

_OF_CATALOG = {
    "catalog_credential": "credential",
    "catalog_token": "token",
    "catalog_oauth2_uri": "oauth2-server-uri",
    "catalog_scope": "scope",
}
_OF_STORE = {
    "s3_endpoint": "s3.endpoint",
    "s3_region": "s3.region",
    "s3_access_key_id": "s3.access-key-id",
    "s3_secret_access_key": "s3.secret-access-key",
}
_OF_GLUE = {"s3.access-key-id": "glue.access-key-id", "s3.secret-access-key": "glue.secret-access-key"}
_REGION = "us-east-1"


def is_glue(uri: str) -> bool:
    """Return whether an address is that of AWS Glue, which has no URL of its own, such as `glue://eu-central-1`."""
    return uri.startswith("glue://")


def glue_properties(uri: str, found: dict[str, str]) -> dict[str, str]:
    """Return the properties with which pyiceberg finds AWS Glue.

    Args:
        uri: the address, with the region or without.
        found: the properties of the store. Its key is also that of Glue, and its region that of an address without one.
    """
    properties = {"type": "glue"}
    region = urlsplit(uri).netloc or found.get("s3.region", "")
    if region:
        properties["glue.region"] = region
    return {**properties, **{name: found[of_store] for of_store, name in _OF_GLUE.items() if of_store in found}}


def server_properties(config: object, *, rest: bool) -> dict[str, str]:
    """Return the properties of a catalog that the settings `catalog_*` and `s3_*` give.

    They are secrets in plain text, so they must not be shown.

    Args:
        config: the settings; those that it lacks count as unset.
        rest: whether the catalog is one of Iceberg's REST protocol. A database does not know tokens.
    """
    names = {**_OF_CATALOG, **_OF_STORE} if rest else _OF_STORE
    found = {}
    for setting, name in names.items():
        value = getattr(config, setting, None)
        if value is not None:
            found[name] = str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
    if "s3.endpoint" in found:
        # pyiceberg would ask Amazon in which region the bucket is, and Amazon does not know it.
        found.setdefault("s3.region", _REGION)
    return found
