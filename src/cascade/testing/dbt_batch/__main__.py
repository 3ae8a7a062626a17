"""`python -m cascade.testing.dbt_batch REQUEST`: test files of a dbt project."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cascade.exceptions import CascadeError
from cascade.testing.dbt_batch.batch import run_tests
from cascade.testing.dbt_batch.request import read_request


def main(arguments: list[str]) -> int:
    """Test the files of the request in the first argument.

    Args:
        arguments: the command line without the program's name.

    Returns:
        0 if all is well, 1 if a test failed, 2 if dbt could not run any.
    """
    if len(arguments) != 1:
        print("Usage: python -m cascade.testing.dbt_batch REQUEST, where REQUEST is a file of JSON.", file=sys.stderr)
        return 2
    request = read_request(Path(arguments[0]))
    with tempfile.TemporaryDirectory(prefix="cascade-dbt-", ignore_cleanup_errors=True) as temporary:
        try:
            outcomes = run_tests(request, Path(temporary))
        except CascadeError as error:
            print(error, file=sys.stderr)
            return 2
    return 1 if any(case.failed for outcome in outcomes for case in outcome.cases) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
