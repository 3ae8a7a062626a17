"""Explain that the host of a source does not answer: which host, what happened, what was tried, and what to do.

The clients say it in sentences such as `HTTPSConnectionPool(host='…'): Max retries exceeded with url: …`, which show
the query of the address, and with it tokens.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cascade.config.secrets import mask_secrets
from cascade.exceptions import SourceLocation, SourceUnreachableError

_CLIENTS = frozenset({"requests", "urllib3", "httpx", "httpcore", "aiohttp", "urllib"})

_NAME = ("its name was not found", "Check the spelling of the host, and whether this machine is online.")
_REFUSED = ("it refused the connection", "Check that the server is running, and the port of the address.")
_TIMEOUT = (
    "it did not answer in time",
    "Try again later, or give the requests more time. For those of dlt, set RUNTIME__REQUEST_TIMEOUT to more seconds.",
)
_CLOSED = ("it closed the connection", "Try again later, or ask who runs the server.")
_NO_ROUTE = ("the network does not lead there", "Check whether this machine is online, and its VPN or firewall.")
_PROXY = ("the proxy did not connect to it", "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment.")
_TRUST = (
    "If an authority of your own signed it, name the file with its certificate in REQUESTS_CA_BUNDLE or SSL_CERT_FILE."
)
_HANDSHAKE = ("no secure connection could be agreed on", "Check whether the address begins with https or http.")


@contextmanager
def unreachable_hosts_named(table: str, location: SourceLocation) -> Iterator[None]:
    """Explain that a host does not answer.

    Args:
        table: full name of the table.
        location: the workflow's function.

    Yields:
        Nothing. The source runs inside the block.

    Raises:
        SourceUnreachableError: the source could not connect to a host, or got no answer.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _CLIENTS:
            raise
        chain = list(_chain(error))
        happened, address = _what_happened(chain), _address(chain)
        if happened is None or address is None:
            raise
        host = f"{address.hostname}:{address.port}" if address.port else address.hostname
        raise SourceUnreachableError(
            f"{table}: the host {host} could not be reached: {happened[0]}. {_tried(chain, address)}.",
            location=location,
            hint=happened[1],
        ) from error


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, each once. urllib and urllib3 keep the cause as an attribute or argument."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [getattr(found, "reason", None), *found.args, found.__cause__, found.__context__]


def _what_happened(chain: list[BaseException]) -> tuple[str, str] | None:
    """Return what happened and what to do, from the cause that says most; None if a host did answer."""
    kinds = {type(each).__name__ for each in chain}
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({each.verify_message or each.reason})", _TRUST
    numbers = {each.errno for each in chain if isinstance(each, OSError)}
    tests = (
        (_PROXY, "ProxyError" in kinds),
        (_HANDSHAKE, any(isinstance(each, ssl.SSLError) for each in chain)),
        (_NAME, any(isinstance(each, socket.gaierror) for each in chain)),
        (_REFUSED, any(isinstance(each, ConnectionRefusedError) for each in chain)),
        (_NO_ROUTE, bool(numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})),
        (_TIMEOUT, any(isinstance(each, TimeoutError) or "Timeout" in type(each).__name__ for each in chain)),
        (_CLOSED, any(isinstance(each, ConnectionError) for each in chain) or "RemoteProtocolError" in kinds),
    )
    return next((found for found, applies in tests if applies), None)


def _address(chain: list[BaseException]) -> SplitResult | None:
    """Return the address of the request: what the client's error says, or else what the frames of `urllib` hold."""
    for each in chain:
        # httpx raises an error if there is no request.
        request = each.__dict__.get("request") or each.__dict__.get("_request")
        url = str(getattr(request, "url", "") or "")
        if url:
            return urlsplit(url)
    for frame in _frames(chain[0].__traceback__):
        request = frame.get("req")
        if request is not None and type(request).__module__ == "urllib.request" and hasattr(request, "full_url"):
            return urlsplit(str(request.full_url))
    for each in chain:
        host = getattr(each, "host", None) or getattr(getattr(each, "pool", None), "host", None)
        if isinstance(host, str):
            return urlsplit(f"//[{host}]" if ":" in host else f"//{host}")
    return None


def _tried(chain: list[BaseException], address: SplitResult) -> str:
    """Return what was tried, without the user, the query and the fragment of the address."""
    host = address.netloc.rpartition("@")[2]
    shown = mask_secrets(f"{address.scheme}://{host}{address.path}" if address.scheme else host)
    # tenacity, with which dlt tries again, counts in a local variable.
    states = (frame.get("retry_state") for each in chain for frame in _frames(each.__traceback__))
    attempts = max((getattr(state, "attempt_number", 1) for state in states), default=1)
    return f"{shown} was tried {'once' if attempts == 1 else f'{attempts} times'}"


def _frames(traceback: TracebackType | None) -> Iterator[dict[str, Any]]:
    while traceback is not None:
        yield traceback.tb_frame.f_locals
        traceback = traceback.tb_next
