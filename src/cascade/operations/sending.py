"""Send to a receiver so that a run neither fails nor waits for it.

What is sent to another server in a run must not cost the run. Each request has a time limit, also where the server
sends its answer byte by byte. A receiver that fails is left alone for a while, and so is one that is slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from cascade.config.secrets import MASK, mask_secrets
from cascade.terminal.words import say_on_stderr
from cascade.time_limit import within

LIMIT_SECONDS = 3.0
"""How long a run waits for one answer."""

PAUSE_SECONDS = 60.0
"""How long a receiver that failed is left alone, and the time in which `_MOST_SECONDS` may be spent on one."""

_MOST_SECONDS = 2 * LIMIT_SECONDS


class SendingError(Exception):
    """A receiver refused what was sent. The message shows neither its address nor a secret."""


class Sender:
    """Sends to one receiver.

    Args:
        name: what it is, for the warning, such as `the webhook of alerts`.
        secrets: values that a warning must not show.
    """

    def __init__(self, name: str, secrets: tuple[str, ...] = ()) -> None:
        self.name = name
        self._secrets = secrets
        self._warned = False
        self._paused_until = 0.0
        self._window_ends = 0.0
        self._spent = 0.0

    def send(self, action: Callable[[], None]) -> bool:
        """Call a function that sends something.

        Args:
            action: sends, and raises if it cannot. After `LIMIT_SECONDS` its thread is left behind.

        Returns:
            Whether it was sent. If it was not, the first one of this receiver has printed a warning.
        """
        started = time.monotonic()
        if started < self._paused_until:
            return False
        if started > self._window_ends:
            self._window_ends, self._spent = started + PAUSE_SECONDS, 0.0
        problem = _problem_of(action)
        self._spent += time.monotonic() - started
        if problem is None and self._spent > _MOST_SECONDS:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            self._warn("it answers too slowly")
            return True
        if problem is not None:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            self._warn(problem)
        return problem is None

    def _warn(self, problem: str) -> None:
        if self._warned:
            return
        self._warned = True
        text = mask_secrets(problem)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        say_on_stderr("warning", f"{self.name} is not told of everything: {text}. Runs go on without it.", "yellow")


def _problem_of(action: Callable[[], None]) -> str | None:
    try:
        within(LIMIT_SECONDS, action)
    except SendingError as error:
        return str(error)
    except Exception as error:
        # Other messages contain the URL, which often is the secret.
        return _named(error)
    return None


def _named(error: BaseException) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return f"it did not answer within {LIMIT_SECONDS:g} seconds"
    reason = {"ConnectionError": "it cannot be reached", "SSLError": "its certificate is not accepted"}.get(name)
    return f"{reason} ({name})" if reason else name


def post(url: str, *, document: Any = None, body: bytes | None = None, headers: Mapping[str, str] = {}) -> None:
    """Send a POST request.

    Args:
        url: where to.
        document: what to send as JSON.
        body: what to send instead, as it is.
        headers: further headers.

    Raises:
        SendingError: the answer is not a success.
        Exception: there is no answer. The message may contain the URL.
    """
    import requests

    answer = requests.post(
        url, json=document, data=body, headers=dict(headers), timeout=LIMIT_SECONDS, allow_redirects=False
    )
    if not 200 <= answer.status_code < 300:
        raise SendingError(f"it answered {answer.status_code} {answer.reason or ''}".rstrip())
