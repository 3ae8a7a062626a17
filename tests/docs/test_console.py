"""Pages are read, and output is compared, as the tests of the pages assume."""

from __future__ import annotations

import pytest
from docs.console import Command, Written, ids_in, output_pattern, read_page

PAGE = """\
Text with `$ no command`.

```console
$ cascade init weather
created weather/pyproject.toml

$ cd weather
$ printf '%s' \\
>   one
one
```

1. A list

   ```python
   # workflows/a.py
   x = 1
   ```

```toml
# pyproject.toml, at the end
[tool.x]
```

```text
$ not for running
```

```python
x = 2  # no path
```
"""


def test_a_page_is_read_as_commands_and_files() -> None:
    assert read_page(PAGE) == [
        Command(4, "cascade init weather", ("created weather/pyproject.toml",)),
        Command(7, "cd weather"),
        Command(8, "printf '%s' \\\n  one", ("one",)),
        Written(16, "workflows/a.py", "# workflows/a.py\nx = 1\n", added=False),
        Written(21, "pyproject.toml", "# pyproject.toml, at the end\n[tool.x]\n", added=True),
    ]


@pytest.mark.parametrize(
    ("expected", "output", "matches"),
    [
        (["rows 3, seconds 1.92"], "rows 3, seconds 20.1\n", True),
        (["rows 3, seconds 1.92"], "rows 4, seconds 1.92\n", False),
        (["snapshot id 1755502919364391445"], "snapshot id 875550291936439144\n", True),
        (["snapshot id 1755502919364391445"], "snapshot id none\n", False),
        (["a  b", "1  2"], "a    b\n1    2  \n", True),
        (["a  b", "1  2"], "a    b\n", False),
        (["first", "...", "last"], "first\nlast\n", True),
        (["first", "...", "last"], "first\n1\n2\nlast\n", True),
        (["first", "...", "last"], "first\n1\nlast\nmore\n", False),
        (["created ... files"], "created 7 files\n", True),
        (["created …"], "created 7 files\n", True),
        (["at /home/you/p"], "at /tmp/x/p\n", True),
        (["The UI is at http://127.0.0.1:3000"], "The UI is at http://127.0.0.1:41234\n", True),
        (["2013-01-01...2013-01-31"], "2013-01-01...2013-01-31\n", True),
        (["cascade 1.2.3"], "cascade 1.2.3\n", True),
        (["  indented"], "indented\n", False),
    ],
)
def test_only_unstable_output_may_differ(expected: list[str], output: str, matches: bool) -> None:
    assert (output_pattern(tuple(expected), {"/home/you": "/tmp/x"}).fullmatch(output) is not None) is matches


def test_ids_stand_for_those_that_a_command_printed() -> None:
    shown = (
        "snapshot             run",
        "1755502919364391445  audit_d3ac89a2-8668-4261-92dd-0d4db8ece80a",
        "...",
        "3.5 s",
    )
    printed = "snapshot run\n875550291936439144 audit_0dee5265-4581-40f5-9fe5-d63d0a0f633a\nmore\n20.1 s\n"
    found = output_pattern(shown, {}).fullmatch(printed)
    assert found is not None
    assert dict(zip(ids_in(shown), found.groups(), strict=True)) == {
        "1755502919364391445": "875550291936439144",
        "d3ac89a2-8668-4261-92dd-0d4db8ece80a": "0dee5265-4581-40f5-9fe5-d63d0a0f633a",
    }
