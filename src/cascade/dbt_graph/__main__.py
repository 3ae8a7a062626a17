"""`python -m cascade.dbt_graph REQUEST`: print the graph of a dbt project, without dbt.

The request and the answer are JSON; `cascade.dbt_graph.answer` describes them. The exit code is 0 even if the project
has mistakes, so that Pants caches the answer.
"""

from __future__ import annotations

import json
import sys

from cascade.dbt_graph.answer import answer


def main(arguments: list[str]) -> int:
    """Print the answer to the request in the first argument.

    Args:
        arguments: the command line without the program's name.
    """
    if len(arguments) != 1:
        print("Usage: python -m cascade.dbt_graph REQUEST, where REQUEST is a JSON object.", file=sys.stderr)
        return 2
    print(json.dumps(answer(json.loads(arguments[0]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
