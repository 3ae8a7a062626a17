"""What changes the fingerprint of a file, and what does not."""

from __future__ import annotations

import ast
import copy
import io
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from . import fingerprint as module
from .fingerprint import combined, fingerprint, fingerprint_of_data

# Short modules of the standard library that use much of the syntax.
CORPUS = [
    Path(ast.__file__).with_name(name).read_bytes()
    for name in ("bisect.py", "contextlib.py", "graphlib.py", "reprlib.py", "textwrap.py", "types.py")
]

EVERYTHING = '''\
"""Rows."""
from __future__ import annotations
import a.b as c, d
from . import e
async def rows(x, /, y: int = 1_000, *z, k=-1.5e3, **w) -> "list[int]":
    """Docs."""
    async with c as f, d: yield [i async for i in f if i not in x[1:2, ...]]
    await f(*z, **w)
class Row(c.Base, metaclass=d):
    at: str = f"{e!r:>{y}} {e = } \\\\{{" "more" + rb"".decode() + u"é\\ud800"
    "Docs of the field."
    @property
    def big(self): return 0xffff if (n := 2j) and not self < 1 else {**x, 1: {2}}
try:
    del d[0]; a: int
except (ValueError, KeyError) as error:
    raise e from error
else: pass
finally:
    for i, *j in x: continue
while True:
    global q; q @= lambda *, r=None: (r, b"\\0", True, ...); break
assert x == 1 != 2, "no"
'''


def of(source: str | bytes) -> str:
    return fingerprint(source if isinstance(source, bytes) else source.encode(), is_python=True)


def test_it_is_the_same_on_every_python() -> None:
    # The tests of the Pants backend compare the fingerprints of its files between two versions.
    assert of(EVERYTHING) == GOLDEN


GOLDEN = "2862d353d745"

SAME = {
    "comment": "# why\ndef f(x): return x + 1  # what",
    "docstrings": '"""Rows."""\ndef f(x):\n    """Docs."""\n    return x + 1',
    "formatting": "\n\ndef f(\n    x,\n):\n\n    return (x\n        + (1))\n",
    "endings": "def f(x):\r\n    return x + 1\r\n",
    "byte order mark": "\ufeffdef f(x): return x + 1",
    "statements that do nothing": "def f(x):\n    pass\n    return x + 1\n    ...\n'text'",
    "digits": "def f(x): return x + 0x1",
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_how_a_module_is_written_does_not_count(source: str) -> None:
    assert of(source) == of("def f(x): return x + 1")


def test_a_function_of_a_docstring_alone_is_an_empty_one() -> None:
    assert of('def f():\n    """Docs."""') == of("def f(): pass") == of("def f(): ...")


PAIRS = [
    ("x = 1", "x = 2"),
    ("x = 1", "x = True"),
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = '1'"),
    ("x = '1'", "x = b'1'"),
    ("x = 1", "y = 1"),
    ("x = None", "x = ()"),
    ("x = a + b", "x = a - b"),
    ("x = a + b", "x = b + a"),
    ("x = a.b", "x = a.c"),
    ("x = a[:1]", "x = a[1:]"),
    ("x = f(a=1)", "x = f(b=1)"),
    ("x = f(a)", "x = f(*a)"),
    ("x = {1: 2}", "x = {**{1: 2}}"),
    ("x = f'{a}'", "x = f'{a!r}'"),
    ("x = f'{a}'", "x = f'{a:>2}'"),
    ("x = f'{a}'", "x = f'{b}'"),
    ("x = f'{a}b'", "x = f'{a}c'"),
    ("x = f'{a}'", "x = '{a}'"),
    ("x: int = 1", "(x): int = 1"),
    ("import a", "import a as b"),
    ("from . import a", "from .. import a"),
    ("def f(a, b): return 1", "def f(a, *, b): return 1"),
    ("def f(a, b=1): return 1", "def f(a=1, b=1): return 1"),
    ("def f(a): return 1", "def f(a: int): return 1"),
    ("def f(): return 1", "async def f(): return 1"),
    ("def f(): return None", "def f(): return"),
    ("if a: b()", "while a: b()"),
    ("if a: b()\nelse: c()", "if a:\n    b()\n    c()"),
    ("a = 1\nb = 2", "b = 2\na = 1"),
    ("a = 'b'", "a = ('b', )"),
    ("a = 'b, c'", "a = 'b', 'c'"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_a_module_says_counts(one: str, other: str) -> None:
    assert of(one) != of(other)


@pytest.mark.parametrize("source", CORPUS)
def test_a_module_that_is_written_anew_is_the_same(source: bytes) -> None:
    tree = ast.parse(source)
    assert of(ast.unparse(tree)) == of(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body[0:1] = [ast.Pass()]
    assert of(ast.unparse(tree)) == of(source)


def _operator(node: ast.BinOp) -> None:
    node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()


def _name(node: ast.Name) -> None:
    node.id += "_"


def _attribute(node: ast.Attribute) -> None:
    node.attr += "_"


def _constant(node: ast.Constant) -> None:
    node.value = node.value + "." if isinstance(node.value, str) else 12345


def _keyword(node: ast.keyword) -> None:
    node.arg = None if node.arg else "given"


def _argument(node: ast.arg) -> None:
    node.arg += "_"


def _negated(node: ast.If) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)


CHANGES: dict[type[ast.AST], Callable[[object], None]] = {
    ast.BinOp: _operator,  # type: ignore[dict-item]
    ast.Name: _name,  # type: ignore[dict-item]
    ast.Attribute: _attribute,  # type: ignore[dict-item]
    ast.Constant: _constant,  # type: ignore[dict-item]
    ast.keyword: _keyword,  # type: ignore[dict-item]
    ast.arg: _argument,  # type: ignore[dict-item]
    ast.If: _negated,  # type: ignore[dict-item]
}
TREES = [ast.parse(source) for source in CORPUS]
UNCHANGED = [of(ast.unparse(tree)) for tree in TREES]


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_any_change_of_a_module_counts(number: int) -> None:
    places = sum(type(node) in CHANGES for node in ast.walk(TREES[number]))
    for place in random.Random(number).sample(range(places), 12):
        tree = copy.deepcopy(TREES[number])
        idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        node = [node for node in ast.walk(tree) if type(node) in CHANGES][place]
        if id(node) not in idle:
            CHANGES[type(node)](node)
            assert of(ast.unparse(ast.fix_missing_locations(tree))) != UNCHANGED[number], ast.dump(node)


def test_what_cannot_be_parsed_counts_by_its_bytes() -> None:
    broken = b"def f(:\n    # why\n"
    assert of(broken) == of(broken.replace(b"\n", b"\r\n")) != of(broken.replace(b"why", b"what"))
    assert len({of(b"x\0"), of(b"\xff"), of("x = " + "(" * 500 + ")" * 500), of(b"")}) == 4


def test_other_files_count_by_their_bytes() -> None:
    def data(content: bytes) -> str:
        return fingerprint(content, is_python=False)

    assert len({data(b"a,b\n"), data(b"a,b\r\n"), data(b"a,b\n# why\n"), of(b"a,b\n")}) == 4
    for content in (b"", b"a,b\n", b"a,b\r\n" * 400_000):
        assert fingerprint_of_data(io.BytesIO(content)) == data(content)


def test_a_deep_tree_is_read() -> None:
    def total(last: str) -> str:
        return "x = " + "a + " * 800 + last

    assert of(total("b")) != of(total("c"))


def test_several_files_and_requirements() -> None:
    files = {"a.py": "1", "b.py": "2"}
    assert combined(files, ["x==1", "y==2"]) == combined(dict(reversed(files.items())), ["y==2", "x==1", "x==1"])
    others = [combined({"a.py": "2", "b.py": "1"}), combined(files), combined(files, ["x==2"]), combined({"a.py": "1"})]
    assert len({combined(files, ["x==1", "y==2"]), *others}) == 5


def test_the_process_prints_the_fingerprints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1")
    (tmp_path / "a.csv").write_bytes(b"x = 1")
    (tmp_path / "asked.json").write_text(json.dumps({"a.py": True, "a.csv": False}), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["fingerprint.py", "asked.json"])
    module.main()
    assert json.loads(capsys.readouterr().out) == {
        "a.py": of(b"x = 1"),
        "a.csv": fingerprint(b"x = 1", is_python=False),
    }
