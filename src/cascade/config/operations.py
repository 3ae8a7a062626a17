"""Validators of the settings for operators: alerts, lineage, metrics and logs."""

from __future__ import annotations

from pydantic import SecretStr

ALERT_KINDS = ("failed", "blocked", "check", "drift", "late", "quarantined")
"""What an alert can be about. See `cascade.operations.alerts`."""


def alert_kinds(value: object) -> str:
    """Return a list of kinds of alerts as text, with commas between them.

    Args:
        value: the text, or a list of kinds.

    Raises:
        ValueError: a kind is unknown.
    """
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(kind, str) for kind in given):
        raise ValueError(f"must be a list of kinds of alerts: {', '.join(ALERT_KINDS)}")
    kinds = [kind.strip() for kind in given if kind.strip()]
    unknown = [kind for kind in kinds if kind not in ALERT_KINDS]
    if unknown:
        raise ValueError(f"has an unknown kind of alert, {unknown[0]!r}: use {', '.join(ALERT_KINDS)}")
    return ",".join(dict.fromkeys(kinds))


def require_http(value: str | SecretStr | None) -> None:
    """Raise if a value is not the URL of an HTTP server.

    Args:
        value: the value of a setting.

    Raises:
        ValueError: it is something else. The message does not show the value.
    """
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if text is not None and not text.startswith(("http://", "https://")):
        raise ValueError("must be a URL that begins with https:// or http://")


def with_path(url: str, path: str) -> str:
    """Return a URL with a path, unless it has one.

    Args:
        url: a URL of HTTP.
        path: the path, which begins with a slash.
    """
    before, separator, query = url.partition("?")
    host = before.partition("://")[2]
    if "/" in host.rstrip("/"):
        return url
    return f"{before.rstrip('/')}{path}{separator}{query}"


def headers_of(text: str) -> dict[str, str]:
    """Read headers as OpenTelemetry's own variable has them, such as `Authorization=Bearer x, Tenant=data`.

    Args:
        text: the headers, with commas between.

    Raises:
        ValueError: one of them has no `=`. The message does not show the value.
    """
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, value = part.partition("=")
        if not separator or not name.strip():
            raise ValueError("must be NAME=VALUE, with commas between several")
        found[name.strip()] = value.strip()
    return found
