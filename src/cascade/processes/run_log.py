"""What `dev` prints of the log of the runs in a code server. The UI has the whole log of each run."""

from __future__ import annotations

import re

_HEAD = re.compile(
    r"^\S*[\d-]+ [\d:]+ [+-]\d+ - dagster - (?P<level>[A-Z]+) - (?P<job>.*?) - "
    r"(?P<run>[0-9a-f]{8}-[0-9a-f-]{27}) - (?P<rest>.*)",
    re.DOTALL,
)
_EVENT = re.compile(r"\d+ - (?:(?P<op>\w+) - )?(?P<event>[A-Z][A-Z_]+) - ")
_MESSAGE = re.compile(r"(?P<op>\w+) - (?P<text>.*)", re.DOTALL)
_CAUSE = "The above exception"
_TRACE = "Stack Trace:"
# Classes that say only that something failed, or that the message has the form of a whole sentence.
_CLASS = re.compile(r"^(?:dagster\._core\.definitions\.events\.Failure|cascade\.exceptions\.\w+): ")


class RunLog:
    """Turns the lines of a code server's standard error into lines for the terminal.

    Of Dagster's log it keeps the outcome of each run, with the reason for a failure, and what a workflow logs as a
    warning or error. Tracebacks are dropped. All other lines, such as what a module prints, are kept.

    Args:
        address: the address of the UI, where the whole log is.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._ops: dict[str, dict[str, None]] = {}
        self._reasons: dict[str, str] = {}
        # The run whose error is being read, and the lines of its message. None in any other text.
        self._run: str | None = None
        self._message: list[str] | None = None

    def __call__(self, line: str) -> str | None:
        """Return what to print of a line; None to print nothing."""
        head = _HEAD.match(line)
        if head is None:
            return None if self._is_of_an_error(line) else line
        self._run, self._message = None, None
        event = _EVENT.match(head["rest"])
        if event is None:
            return self._of_the_workflow(head)
        run = head["run"]
        if event["op"]:
            self._ops.setdefault(run, {})[event["op"]] = None
        outcome = {"RUN_SUCCESS": "succeeded", "RUN_FAILURE": "failed", "RUN_CANCELED": "was canceled"}.get(
            event["event"]
        )
        # Only an error is followed by lines that belong to it.
        self._run = run if event["event"].endswith(("FAILURE", "RETRY", "ERRORED")) else None
        return self._outcome(run, outcome) if outcome else None

    def _outcome(self, run: str, outcome: str) -> str:
        assets = ", ".join(op.removeprefix("dlt_").replace("__", "/") for op in self._ops.pop(run, {}))
        reason = self._reasons.pop(run, "")
        text = f"Run {run[:8]}{f' of {assets}' if assets else ''} {outcome}"
        if outcome != "failed":
            return f"{text}.\n"
        return f"{text}{f': {reason}' if reason else '.'}\n  See {self._address}/runs/{run}\n"

    def _of_the_workflow(self, head: re.Match[str]) -> str | None:
        message = _MESSAGE.match(head["rest"])
        if head["level"] not in ("WARNING", "ERROR", "CRITICAL") or message is None:
            return None
        word = "warning" if head["level"] == "WARNING" else "error"
        return f"{word}: {message['op'].removeprefix('dlt_').replace('__', '/')}: {message['text']}"

    def _is_of_an_error(self, line: str) -> bool:
        """Return whether a line belongs to the error of a run, and keep the message of the innermost error."""
        if self._run is None:
            return False
        text = line.rstrip("\n")
        if self._message is None:
            # A blank line begins the message. In a traceback, every line is indented.
            if not text.strip() or text.startswith(_CAUSE):
                self._message = []
                return True
            if text.startswith((" ", "\t")):
                return True
            self._run = None
            return False
        if text.startswith(_TRACE):
            paragraphs = "\n".join(self._message).strip().split("\n\n")
            self._reasons[self._run] = _CLASS.sub("", paragraphs[-1])
            self._message = None
        elif text.startswith(("warning: ", "error: ")):
            self._run, self._message = None, None
            return False
        else:
            self._message.append(text)
        return True
