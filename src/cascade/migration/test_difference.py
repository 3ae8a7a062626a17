"""The difference shows every changed line, and no secret."""

from __future__ import annotations

from pathlib import Path

from cascade.migration.difference import difference
from cascade.migration.plan import Decision, FileChange, Plan
from cascade.migration.tree import Tree


def test_changes_moves_and_removals_are_shown(tmp_path: Path) -> None:
    for path, text in {"a.py": "import a\nkept\n", "b.py": "b", "c.py": "c", "d.bin": "d"}.items():
        (tmp_path / path).write_text(text)
    tree = Tree(tmp_path)
    tree.move("a.py", "x/a.py")
    tree.write("x/a.py", "import b\nkept\n")
    tree.move("b.py", "x/b.py")
    tree.remove("c.py")
    tree.write("d.bin", b"\xff\x00")
    tree.write("x/__init__.py", "")
    assert list(difference(tree.plan())) == [
        "remove c.py",
        "binary files a/d.bin and b/d.bin differ",
        "create x/__init__.py, empty",
        *("--- a/a.py", "+++ b/x/a.py", "@@ -1,2 +1,2 @@", "-import a", "+import b", " kept"),
        "move b.py to x/b.py",
    ]


def test_a_name_that_is_no_utf_8_can_be_printed(tmp_path: Path) -> None:
    change = FileChange("caf\udce9.txt", "x/caf\udce9.txt")
    decision = Decision("caf\udce9.txt", 1, "Look.")
    shown = [*difference(Plan(tmp_path, tmp_path, (change,))), str(decision)]
    assert shown == ["move caf\ufffd.txt to x/caf\ufffd.txt", "caf\ufffd.txt:1: Look."]


def test_values_of_env_files_and_secrets_of_settings_are_masked(tmp_path: Path) -> None:
    key = '# OLD=TUlJold\nPEM="-----BEGIN PRIVATE KEY-----\nTUlJRXZ3SUJ\n# TUlJ\nTUlJ=\n"\n'
    (tmp_path / ".env").write_text(key + "POSTGRES_PASSWORD=hunter2\nexport NESSIE_HOST=inner.example.com\n" + key)
    (tmp_path / "code.py").write_text("")
    (tmp_path / "pyproject.toml").write_text('api_token = "s3cret"\nurl = "postgresql://me:pw123@host/db"\n')
    tree = Tree(tmp_path)
    tree.write(
        ".env", "# new\nCASCADE_POSTGRES_PASSWORD=hunter2\nexport CASCADE_NESSIE_URI=inner.example.com\nEMPTY=\n" + key
    )
    tree.write("code.py", 'f(\n    credentials=dlt.secrets["a.credentials"],\n    password="pw123",\n)\n')
    tree.write("pyproject.toml", 'name = "x"\napi_token = "s3cret"\nurl = "postgresql://me:pw123@host/db"\n')
    shown = "\n".join(difference(tree.plan()))
    for name in (
        "+# new",
        "+EMPTY=",
        "PEM=",
        "POSTGRES_PASSWORD",
        "CASCADE_NESSIE_URI",
        "api_token",
        'name = "x"',
        '=dlt.secrets["a.',
    ):
        assert name in shown
    for secret in ("hunter2", "inner.example.com", "s3cret", "pw123", "TUlJ"):
        assert secret not in shown
