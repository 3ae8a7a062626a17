"""Which values are secrets, and how settings, messages and errors are shown without them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MASK = "**********"

_SECRET_WORDS = frozenset({"passphrase", "pwd", "key", "keys", "auth", "pass", "pgpass"})
_SECRET_ENDINGS = tuple(
    f"{ending}{plural}"
    for ending in ("secret", "token", "password", "passwd", "credential", "apikey", "accesskey", "secretkey")
    for plural in ("", "s")
)
_WORD_END = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")

# Strings, which `re` compiles when the first message is masked. A command without errors pays nothing for them.
_HIDDEN_PARTS = (
    # The password of a URL. It may contain an `@` or a `/` that should have been escaped, so the last `@` ends it.
    r"(?<=://)(?P<before>[^/@\s:]*:)(?:(?!://)\S)*(?=@)",
    # A lone user name. In HTTP URLs it is often a token.
    r"(?i)(?:(?<=http://)|(?<=https://))(?P<before>)[^/?#@\s:]+(?=@)",
    # A URL without its scheme, as drivers print it.
    r"(?<![\w:/.+-])(?P<before>[\w.+-]+:)(?!//)[^\s'\",{}()\[\]@/:]+(?=@)",
    # A password in a URL that is escaped within another URL.
    r"(?i)(?P<before>%3A)(?!%2F)[^&\s]*?(?=%40)",
    # A parameter, such as `?password=…` or `host=db password=…`.
    (
        r"(?i)(?P<before>\b[\w.-]{0,64}(?:password|passwd|passphrase|\bpwd|secret|token|credential|signature|"
        r"(?:api|access|account|private)[_-]?key(?:[_-]?id)?)s?=)(?:'[^']*'|\"[^\"]*\"|[^&;\s]+)"
    ),
    # The header of a request.
    r"(?i)(?P<before>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/-]{16,}=*",
    # Keys and tokens with a form of their own: those of AWS, GitHub, GitLab, Slack and Google, and JSON web tokens.
    (
        r"(?P<before>)(?:\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}"
        r"|\bglpat-[\w-]{20,}|\bxox[abeprs]-[\w-]{10,}|\bAIza[\w-]{35}"
        r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"
    ),
)


def is_secret_name(name: str) -> bool:
    """Return whether a value with this name is a secret: a word of the name is `token`, `password` or similar."""
    words = [word.lower() for word in _WORD_END.split(name)]
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words)


def mask_secrets(text: str) -> str:
    """Mask secrets in a string by their form, and leave the rest unchanged.

    These are the password or token of a URL, as in `postgresql://me:secret@host/db`; parameters such as
    `?password=secret`; and keys that are recognizable by themselves, such as `AKIA…` of AWS.
    """
    for part in _HIDDEN_PARTS:
        text = re.sub(part, lambda match: match["before"] + MASK, text)
    return text


def masked_value(name: str, value: object) -> object:
    """Return a setting's value for display, with its secrets masked.

    Args:
        name: the setting's name. Values in a dict are checked by their keys as well.
        value: the setting's value, of any type.

    Returns:
        A plain value, a string, or a list or dict of these.
    """
    from pydantic import SecretStr

    if value is None:
        return None
    if isinstance(value, SecretStr) or is_secret_name(name):
        return MASK
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): masked_value(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_value(name, item) for item in value]
    return mask_secrets(str(value))


def secret_values(name: str, value: object) -> Iterator[str]:
    """Yield the strings in a setting that are secrets by name, so that they can be masked elsewhere too.

    Args:
        name: the setting's name.
        value: the setting's value, of any type.
    """
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from secret_values(name if is_secret_name(name) else str(key), item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from secret_values(name, item)
    elif isinstance(value, str) and is_secret_name(name):
        yield value


def mask_error(error: BaseException) -> BaseException:
    """Mask secrets in the message of an error and of its causes. Errors of sources often contain a URL with a password.

    Args:
        error: any error. Its message and those of its causes are changed in place.

    Returns:
        The error. If its message does not come from its arguments alone and still shows a secret, a `RuntimeError`
        with the name of its class and its traceback replaces it.
    """
    return _masked(error, {})


def _masked(error: BaseException, done: dict[int, BaseException]) -> BaseException:
    if id(error) in done:
        return done[id(error)]
    done[id(error)] = error
    if _shows_a_secret(error):
        error.args = tuple(mask_secrets(value) if isinstance(value, str) else value for value in error.args)
        message = getattr(error, "message", None)
        if isinstance(message, str):
            error.message = mask_secrets(message)  # type: ignore[attr-defined]
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        _masked(inner, done)
    cause, context, suppressed = error.__cause__, error.__context__, error.__suppress_context__
    if cause is not None:
        error.__cause__ = _masked(cause, done)
    if context is not None:
        error.__context__ = _masked(context, done)
    error.__suppress_context__ = suppressed
    if _shows_a_secret(error):
        done[id(error)] = _stand_in(error)
    return done[id(error)]


def _shows_a_secret(error: BaseException) -> bool:
    text = _text(error)
    return mask_secrets(text) != text


def _stand_in(error: BaseException) -> RuntimeError:
    made = RuntimeError(f"{type(error).__name__}: {mask_secrets(_text(error))}").with_traceback(error.__traceback__)
    made.__cause__, made.__context__ = error.__cause__, error.__context__
    made.__suppress_context__ = error.__suppress_context__
    return made


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        # A message that cannot be rendered cannot show a secret.
        return ""
