"""Who may read: whoever has the token, or without one whoever can reach the loopback address of this machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from cascade.http_api.problems import ProblemError

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="The value of `CASCADE_SERVE_TOKEN`. A server on loopback may have none, and then needs none.",
)

_HOST = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::\d*)?")
"""The header `Host`: a name or an address, and a port."""


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on a host can be reached from this machine alone.

    Args:
        host: a name or an address.
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def access(token: SecretStr | None) -> Callable[..., Awaitable[None]]:
    """Return the dependency that lets a request through, or refuses it.

    Args:
        token: the token; None to let every request through that names a loopback address.
    """

    async def check(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
    ) -> None:
        if token is None:
            _require_loopback(request)
            return
        expected = token.get_secret_value().encode()
        if given is None or not compare_digest(given.credentials.encode(), expected):
            said = "The token is wrong." if given is not None else "This server needs a token."
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                f'{said} Send the header "Authorization: Bearer TOKEN".',
                {"WWW-Authenticate": "Bearer"},
            )

    return check


def _require_loopback(request: Request) -> None:
    """Refuse what a browser asks for a page of another site, whose name somebody let point to this machine."""
    # The URL of a request has the server's own name where the header is not valid, whatever a browser thinks of it.
    host = request.headers.get("host")
    if host is None:
        return  # No browser leaves it out.
    named = _HOST.fullmatch(host)
    if named is None or not is_loopback(named[1]):
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            f"Without a token, this server answers only on loopback, such as http://127.0.0.1. Given: {host}.",
        )
