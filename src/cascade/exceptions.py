"""The errors that Cascade raises on purpose.

    CascadeError                    any of the errors below
    ├── UsageError                  invalid usage of a command or function; nothing was done (exit code 2)
    │   ├── ConfigError             a setting has an invalid value; names the source of the value
    │   ├── DeclarationError        a decorator is wrong; lists every problem of the decorator
    │   └── PartitionError          a partition key is missing, unknown or unexpected
    ├── DiscoveryError              a module of the project cannot be imported
    ├── SchemaError
    │   ├── SchemaConversionError   a field cannot become an Iceberg column
    │   └── SchemaDriftError        the declared schema changes the table's in a way that loses data
    ├── DataError
    │   ├── SourceError             a workflow returned something other than rows
    │   ├── MissingColumnError      a required column is missing from a whole batch
    │   ├── ChecksFailedError       a blocking check failed, so the rows of the run were not published
    │   └── RowsRefusedError        too many rows failed validation: all, more than refuse_over, or any
    │                               under on_invalid="fail"
    ├── CommitError                 a snapshot could not be committed, after every retry
    ├── CommitRefusedError          the catalog refused to commit a snapshot, and would refuse it again
    ├── SourceUnreachableError      the host of a source did not answer; a later run may succeed
    └── RunTooLongError             a run exceeded `max_runtime_seconds` and was stopped

An error states what is wrong, where, the value given, the value expected and, in its `hint`, the next command to type.
The command line prints `str(error)` and exits with `exit_code`; `--debug` shows the traceback.
"""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class SourceLocation:
    """A line of a user's source.

    Args:
        file: path of the file, as Python reports it.
        line: line number, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class CascadeError(Exception):
    """The base of all errors that Cascade raises on purpose.

    Args:
        message: what is wrong, the value given and the value expected, in whole sentences.
        location: the file and line to change, if known.
        hint: the next command to type or edit to make, if there is one.
    """

    exit_code = 1

    def __init__(self, message: str, *, location: SourceLocation | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.location}: {self.message}" if self.location else self.message
        return f"{text}\n{self.hint}" if self.hint else text


class UsageError(CascadeError):
    """A command or function was used in an invalid way. Nothing was done."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting has an invalid value. The message names the setting and the source of the value."""


class DeclarationError(UsageError):
    """A decorator is wrong.

    Args:
        decorator: name of the decorator, without `@`.
        problems: one sentence for each problem.
        location: file and line of the decorated function.
    """

    def __init__(self, decorator: str, problems: tuple[str, ...], *, location: SourceLocation) -> None:
        self.decorator = decorator
        self.problems = problems
        listed = problems[0] if len(problems) == 1 else "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"@{decorator}: {listed}", location=location)


class PartitionError(UsageError):
    """A partition key is missing, is not a key of the asset, or was given for an asset without partitions."""


class DiscoveryError(CascadeError):
    """A module of the project cannot be imported, or has the name of a standard module."""


class SchemaError(CascadeError):
    """A validation schema cannot be used for a table."""


class SchemaConversionError(SchemaError):
    """A field of a validation schema cannot become an Iceberg column.

    Args:
        schema: name of the pydantic or pandera model.
        field: name of the field, with dots between the names of nested fields.
        reason: why its type cannot be converted, and which type to use instead.

    Attributes:
        others: the errors of other fields of the schema, each with its own location.
    """

    others: tuple[SchemaConversionError, ...] = ()

    def __init__(
        self, schema: str, field: str, reason: str, *, location: SourceLocation | None = None, hint: str | None = None
    ) -> None:
        self.schema = schema
        self.field = field
        self.reason = reason
        super().__init__(f"{schema}.{field}: {reason}", location=location, hint=hint)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *map(str, self.others)])


class SchemaDriftError(SchemaError):
    """The declared schema changes the table's schema in a way that loses data. Nothing was written.

    Args:
        table: full name of the table, such as `raw.flights`.
        differences: one line for each refused change, from the table's schema to the declared one.
    """

    def __init__(self, table: str, differences: tuple[str, ...], *, hint: str | None = None) -> None:
        self.table = table
        self.differences = differences
        listed = "".join(f"\n  - {difference}" for difference in differences)
        super().__init__(f"The schema of {table} would change in a way that loses data:{listed}", hint=hint)


class DataError(CascadeError):
    """The data that a workflow returned cannot be ingested."""


class SourceError(DataError):
    """A workflow returned something other than rows, or a dlt source with several selected resources."""


class MissingColumnError(DataError):
    """A required column is missing from a whole batch. The message names the nearest field of the source."""


class RowsRefusedError(DataError):
    """Too many rows failed validation: all, more than `refuse_over`, or any under `on_invalid="fail"`.

    Nothing was written to the table.

    Args:
        refused: number of refused rows.
        total: number of rows that the workflow returned.
    """

    def __init__(self, message: str, *, refused: int, total: int, hint: str | None = None) -> None:
        self.refused = refused
        self.total = total
        super().__init__(message, hint=hint)


class ChecksFailedError(DataError):
    """A blocking check failed. Readers still see the table as it was before the run.

    Args:
        results: what the checks found, each a `cascade.quality.CheckResult`.
        branch: the branch that has the rows of the run; None if they are kept nowhere.
    """

    rows_in: int | None = None
    """How many rows the source of the run returned; None if no run was under way."""
    rows_refused: int = 0
    """How many of these rows the validation schema refused."""

    def __init__(
        self,
        message: str,
        *,
        results: collections.abc.Sequence[object],
        branch: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.results = tuple(results)
        self.branch = branch
        super().__init__(message, hint=hint)


class CommitError(CascadeError):
    """A snapshot could not be committed, after every retry. Readers still see the previous snapshot.

    If the catalog did not answer, as the message then says, the snapshot may still arrive.
    """


class CommitRefusedError(CascadeError):
    """The catalog refused to commit a snapshot, for example because a permission is missing. A retry would not help."""


class SourceUnreachableError(CascadeError):
    """The host of a source could not be reached. Nothing was written, and a later run may succeed."""


class RunTooLongError(CascadeError):
    """A run exceeded `max_runtime_seconds` and was stopped. Uncommitted rows were not written."""


def asks_for_the_end(error: BaseException) -> bool:
    """Return whether an exception is a request to stop, also inside a Dagster server, and not a failure of some code.

    Args:
        error: what the code of a project or a plugin raised.
    """
    if isinstance(error, Exception):
        return False
    return isinstance(error, KeyboardInterrupt) or type(error).__module__.partition(".")[0] in ("cascade", "dagster")
