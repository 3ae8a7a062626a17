"""Errors without the secrets that they quote: a source's error often repeats the address that it was given."""

from __future__ import annotations

from cascade.config.secrets import mask_secrets


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
