"""Answer HTTP requests with registered answers. Imports `responses`, which only tests need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import responses
from requests import PreparedRequest
from responses.registries import FirstMatchRegistry

from cascade.exceptions import UsageError


class _Answers(FirstMatchRegistry):
    """The answers of one test. A request without an answer raises an error that no library treats as a network error.

    `responses` itself raises a `ConnectionError`, which dlt retries for half a minute and which a workflow may catch.
    """

    mock: responses.RequestsMock

    def find(self, request: PreparedRequest) -> tuple[responses.BaseResponse | None, list[str]]:
        """Find the answer to a request.

        Args:
            request: the request.

        Returns:
            The answer, and why the other answers do not match.

        Raises:
            UsageError: no answer matches. The message lists the registered ones, and why each does not match.
        """
        found, reasons = super().find(request)
        if found is None and not self._passes(str(request.url)):
            raise UsageError(_unanswered(request, self.registered, reasons), hint=_HINT)
        return found, reasons

    def _passes(self, url: str) -> bool:
        return any(
            bool(prefix.match(url)) if isinstance(prefix, re.Pattern) else url.startswith(prefix)
            for prefix in self.mock.passthru_prefixes
        )


_HINT = "Register one in the test, for example: offline_http.get(URL, json=...)"


def _unanswered(request: PreparedRequest, registered: list[responses.BaseResponse], reasons: list[str]) -> str:
    asked = f"The test requested {request.method} {request.url}, but offline_http has no answer for it."
    if not registered:
        return f"{asked} No answer is registered."
    known = [
        f"\n  - {answer.method} {getattr(answer.url, 'pattern', answer.url)}  ({reason or 'does not match'})"
        for answer, reason in zip(registered, reasons, strict=False)
    ]
    return f"{asked} The registered answers are:{''.join(known)}"


@contextmanager
def registered_answers() -> Iterator[responses.RequestsMock]:
    """Answer the requests of `requests`, and so of dlt, with the answers that are registered on the mock.

    Yields:
        The mock. An unused answer is fine, unless `assert_all_requests_are_fired` is set.
    """
    mock = responses.RequestsMock(assert_all_requests_are_fired=False, registry=_Answers)
    answers = mock.get_registry()
    assert isinstance(answers, _Answers)
    answers.mock = mock
    with mock:
        yield mock
