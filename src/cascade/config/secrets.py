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

# As texts, which `re` compiles when the first message is masked: a command that goes well pays nothing for them.
_HIDDEN_PARTS = (
    # The password of an address. It may hold an `@` and a `/` that should have been escaped: the last `@` counts.
    r"(?<=://)(?P<before>[^/@\s:]*:)(?:(?!://)\S)*(?=@)",
    # What stands there alone is a user, except where people put a token.
    r"(?i)(?:(?<=http://)|(?<=https://))(?P<before>)[^/?#@\s:]+(?=@)",
    # An address without its scheme, as drivers repeat it.
    r"(?<![\w:/.+-])(?P<before>[\w.+-]+:)(?!//)[^\s'\",{}()\[\]@/:]+(?=@)",
    # The same within another address.
    r"(?i)(?P<before>%3A)(?!%2F)[^&\s]*?(?=%40)",
    # A parameter, as in `?password=…` and `host=db password=…`.
    (
        r"(?i)(?P<before>\b[\w.-]{0,64}(?:password|passwd|passphrase|\bpwd|secret|token|credential|signature|"
        r"(?:api|access|account|private)[_-]?key(?:[_-]?id)?)s?=)(?:'[^']*'|\"[^\"]*\"|[^&;\s]+)"
    ),
)


def is_secret_name(name: str) -> bool:
    """Tells whether a value of this name must not be shown: a word of it is `token`, `password` or the like."""
    words = [word.lower() for word in _WORD_END.split(name)]
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words)


def mask_secrets(text: str) -> str:
    """Hides what is secret in a text by its form: the password of an address such as `postgresql://me:secret@host/db`,
    a token in its place, a parameter such as `?password=secret`. The rest comes back as it is.
    """
    for part in _HIDDEN_PARTS:
        text = re.sub(part, lambda match: match["before"] + MASK, text)
    return text


def masked_value(name: str, value: object) -> object:
    """Gives what may be shown of a setting: plain values, lists and dicts of these, and text, without secrets.

    Args:
        name: the setting's name. What is in a dict is judged by its key as well.
        value: its value, of any type.
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
    """Gives the texts in a setting that are secrets by their names, to be hidden wherever else they turn up.

    Args:
        name: the setting's name.
        value: its value, of any type.
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
    """Hides what is secret, by its form, in the message of an error and of those that led to it.

    Args:
        error: any error. Its message and those of its causes are changed in place.

    Returns:
        The error, or a `RuntimeError` that names its class and has its traceback, where its message comes from more
        than its arguments and still shows a secret.
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
        # Nobody will read what cannot be written.
        return ""
