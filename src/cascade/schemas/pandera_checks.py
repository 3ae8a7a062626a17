"""What pandera's checks compare, and how their failures are named."""

from __future__ import annotations

from typing import Any

# pandera's built-in checks that check one value at a time.
_OF_EACH_VALUE = frozenset(
    {
        "equal_to",
        "not_equal_to",
        "greater_than",
        "greater_than_or_equal_to",
        "less_than",
        "less_than_or_equal_to",
        "in_range",
        "isin",
        "notin",
        "str_matches",
        "str_contains",
        "str_startswith",
        "str_endswith",
        "str_length",
    }
)


def may_compare_rows(check: Any) -> bool:
    """Return whether the result of a check for one row may depend on other rows."""
    if check.element_wise:
        return False
    # The name of a check may be any text. Like pandera, ask the function.
    function = getattr(getattr(check, "_check_fn", None), "__name__", None)
    return not (function in _OF_EACH_VALUE and type(check).is_builtin_check(function)) or bool(check.groupby)


def rule_of(error: Any) -> tuple[str, str]:
    """Return the name of a failed check, and its name in messages."""
    check = error.check
    if check is None or isinstance(check, str):
        name = str(check or error.reason_code.name.lower())
        return name, name
    name = check.name or "check"
    return name, str(check.error or name)


def whole_message(error: Any) -> str:
    """Return the message of a failure that blames no row."""
    rule, label = rule_of(error)
    if error.reason_code.name == "CHECK_ERROR":
        return f"{rule} raised {error.failure_cases}"
    where = f" of {error.schema.name}" if error.schema is not None and error.schema.name else ""
    return f"{label}{where} fails"
