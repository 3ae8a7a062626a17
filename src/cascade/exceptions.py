"""The errors that Cascade raises on purpose, and what each means.

    CascadeError                    anything below; `except CascadeError` catches them all
    ├── UsageError                  the command or call was put wrongly; nothing was done (exit 2)
    │   ├── ConfigError             a setting has a bad value; names the source that gave it
    │   ├── DeclarationError        a decorator's arguments are wrong; lists every problem with its line
    │   └── PartitionError          a partition key is missing, unknown or not wanted
    ├── DiscoveryError              a module that should hold workflows does not import
    ├── SchemaError
    │   ├── SchemaConversionError   a field cannot become an Iceberg column
    │   └── SchemaDriftError        the table's schema and the declared one differ in a refused way (G4)
    ├── DataError
    │   ├── SourceError             a workflow returned something that is not rows
    │   ├── MissingColumnError      a required column is absent from the whole batch
    │   └── RowsRefusedError        no row passed validation, or one failed under on_invalid="fail"
    ├── CommitError                 a snapshot could not be committed, after every retry
    └── RunTooLongError             a run took longer than `max_runtime_seconds` and was stopped

Every error says what is wrong, where, the value given, the value meant and, where there is one, the next
command to type (`hint`). The command line prints `str(error)` and exits with `exit_code`; a traceback
is shown only with `--debug`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class SourceLocation:
    """A place in a user's source.

    Args:
        file: path of the file, as Python knows it.
        line: line number, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class CascadeError(Exception):
    """The root of all errors that Cascade raises on purpose.

    Args:
        message: what is wrong, the value given and the value meant, in one or more whole sentences.
        location: the file and line that must change, where that is known.
        hint: the next command to type or edit to make, where there is one.
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
    """The command or call was put wrongly; nothing was done."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting has a bad value. The message names the setting and the source that gave the value."""


class DeclarationError(UsageError):
    """The arguments of one decorator are wrong.

    Args:
        decorator: name of the decorator, without `@`.
        problems: one sentence for each wrong argument, in the order of the arguments.
        location: file and line of the decorated function.
    """

    def __init__(self, decorator: str, problems: tuple[str, ...], *, location: SourceLocation) -> None:
        self.decorator = decorator
        self.problems = problems
        listed = problems[0] if len(problems) == 1 else "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"@{decorator}: {listed}", location=location)


class PartitionError(UsageError):
    """A partition key is missing, is not one of the asset's, or was given to an unpartitioned asset."""


class DiscoveryError(CascadeError):
    """A module that should hold workflows does not import, or is named like a standard module."""


class SchemaError(CascadeError):
    """A validation schema cannot be used for a table."""


class SchemaConversionError(SchemaError):
    """A field of a validation schema cannot become an Iceberg column.

    Args:
        schema: name of the pydantic or pandera model.
        field: name of the field, with dots for nested fields.
        reason: what about its type does not convert, and what to use instead.

    Attributes:
        others: the errors of further fields of the schema, each with its own place.
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
    """The declared schema differs from the table's in a way that G4 refuses. Nothing was written.

    Args:
        table: full name of the table, such as `raw.flights`.
        differences: one line for each refused difference, table's side first.
    """

    def __init__(self, table: str, differences: tuple[str, ...], *, hint: str | None = None) -> None:
        self.table = table
        self.differences = differences
        listed = "".join(f"\n  - {difference}" for difference in differences)
        super().__init__(f"The schema of {table} would change in a way that loses data:{listed}", hint=hint)


class DataError(CascadeError):
    """What a workflow returned cannot be ingested."""


class SourceError(DataError):
    """A workflow returned something that is not rows, or a dlt source with several selected resources."""


class MissingColumnError(DataError):
    """A required column is absent from the whole batch. The message names the nearest source field."""


class RowsRefusedError(DataError):
    """No row of a batch passed validation, or one failed under `on_invalid="fail"`. Nothing landed.

    Args:
        refused: number of rows that were refused.
        total: number of rows in the batch.
    """

    def __init__(self, message: str, *, refused: int, total: int, hint: str | None = None) -> None:
        self.refused = refused
        self.total = total
        super().__init__(message, hint=hint)


class CommitError(CascadeError):
    """A snapshot could not be committed after every retry. Readers still see the one before."""


class RunTooLongError(CascadeError):
    """A run took longer than its workflow allows and was stopped. What it did not commit is not there."""
