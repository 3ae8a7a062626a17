"""Say when dlt tries a request again. By itself, dlt is silent for half a minute before it gives up."""

from __future__ import annotations

import functools
import sys
from typing import Any

from cascade.config.secrets import mask_secrets

_CLIENT = "dlt.sources.helpers.requests.retry"


def tell_retries() -> None:
    """Let dlt's HTTP client print a line on standard error before each retry. The second call does nothing.

    dlt has no setting for this. Nothing happens until something has imported dlt's client.
    """
    client = sys.modules.get(_CLIENT)
    make = getattr(client, "_make_retry", None)
    if client is None or make is None or hasattr(make, "__wrapped__"):
        return

    @functools.wraps(make)
    def telling(*args: Any, **kwargs: Any) -> Any:
        retrying = make(*args, **kwargs)
        retrying.before_sleep = _tell
        return retrying

    client._make_retry = telling  # type: ignore[attr-defined]


def _tell(state: Any) -> None:
    """Print the line, from the state of tenacity, which dlt uses."""
    wait = state.next_action.sleep if state.next_action else 0
    attempts = getattr(getattr(state.retry_object, "stop", None), "max_attempt_number", None)
    of = f" of {attempts}" if attempts else ""
    line = f"{_request_of(state)} failed ({_reason(state)}). Attempt {state.attempt_number + 1}{of} in {wait:.0f} s."
    print(f"retry: {mask_secrets(line)}", file=sys.stderr, flush=True)


def _request_of(state: Any) -> str:
    request = next((each for each in (*state.args, *state.kwargs.values()) if hasattr(each, "method")), None)
    return f"{request.method} {request.url}" if request is not None else "A request"


def _reason(state: Any) -> str:
    outcome = state.outcome
    error = outcome.exception() if outcome is not None else None
    if outcome is not None and error is None:
        status = getattr(outcome.result(), "status_code", None)
        return f"status {status}" if status else "refused"
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"status {status}" if status else type(error).__name__
