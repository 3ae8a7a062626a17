"""What lockfiles hold."""

from __future__ import annotations

import json

import pytest

from cascade_pants.lockfiles import read_lock

PEX_LOCK = "// Generated.\n" + json.dumps(
    {
        "locked_resolves": [
            {"locked_requirements": [{"project_name": "Ruamel.Yaml", "version": "1", "requires_dists": []}]}
        ]
    }
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PEX_LOCK, {"ruamel-yaml": ("1",)}),
        (
            "# made\nRuamel.Yaml[jinja]==1 ; python_version > '3' \\\n  --hash=sha256:0\nb==2;x\n-r c==3\n",
            {"ruamel-yaml": ("1",), "b": ("2",)},
        ),
        # Each is for other versions of Python. What else a line says counts for no version.
        ("a==1; x == '3'\na==2 \\\n    --hash=x==3\nb @ file.zip\n", {"a": ("1", "2")}),
        # A line that is not a pin hides no other.
        ("a>=1\nb==1\n", {"b": ("1",)}),
        ("", {}),
        ("[1]", {}),
        ('{"version": 1}', {}),
    ],
)
def test_versions_of_a_lockfile(text: str, found: dict[str, tuple[str, ...]]) -> None:
    assert dict(read_lock(text.encode()).versions) == found
