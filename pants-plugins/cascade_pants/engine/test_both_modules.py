"""The two modules that call the engine have the same helpers, and no other module of the plugin calls it.

Only one version of Pants can be installed where the tests run, so that the other module is held to the first by its
syntax tree.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from cascade_pants import register

# Importing this makes the whole plugin a dependency of the test; Pants gives a test only what it imports.
PLUGIN = Path(register.__file__).parent
ENGINE = PLUGIN / "engine"
OLD_NAMES = {"Get", "MultiGet", "Effect", "_MultiGet"}
MAY_SAY_GET = {"get_api.py", "concurrently.py", "own_rules.py"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def signatures(module: ast.Module) -> dict[str, str]:
    """Every function with its kind, parameters and types, in the words of the source."""
    return {
        node.name: f"{type(node).__name__} ({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in module.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None
    }


def exported(module: ast.Module) -> list[str]:
    (names,) = [
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return list(names)


def imported_from(module: ast.Module, name: str) -> set[str]:
    return {
        alias.name
        for node in module.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (alias.asname or alias.name) == name
    }


def names_in(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]


get_api, by_name_api = tree(ENGINE / "get_api.py"), tree(ENGINE / "by_name_api.py")


def test_both_export_the_same_names() -> None:
    assert exported(get_api) == exported(by_name_api) == sorted(exported(get_api), key=lambda n: (not n.isupper(), n))


def test_both_have_the_same_signatures() -> None:
    get, by_name = signatures(get_api), signatures(by_name_api)
    # The later Pants has this itself, so the module imports it.
    for own in ("concurrently", "implicitly"):
        get.pop(own, None)
        assert imported_from(by_name_api, own) == {own}
    assert get == by_name
    assert set(exported(get_api)) == {*get, "BY_NAME", "EnvironmentField", "concurrently", "implicitly"}


def test_both_document_every_helper_in_the_same_words() -> None:
    documents = [
        {node.name: ast.get_docstring(node) for node in module.body if isinstance(node, ast.AsyncFunctionDef)}
        for module in (get_api, by_name_api)
    ]
    assert documents[0] == documents[1]
    assert all(documents[0].values())


def test_a_parameter_passed_to_implicitly_is_annotated_with_a_bare_name() -> None:
    for function in by_name_api.body:
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        annotations = {argument.arg: argument.annotation for argument in function.args.args}
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "implicitly":
                for argument in call.args:
                    if isinstance(argument, ast.Name):
                        assert isinstance(annotations[argument.id], ast.Name), function.name


def test_no_other_module_requests_values_by_type() -> None:
    offenders = {
        str(path.relative_to(PLUGIN)): sorted(OLD_NAMES & set(names_in(tree(path))))
        for path in PLUGIN.rglob("*.py")
        if not path.name.startswith("test_") and not (path.parent == ENGINE and path.name in MAY_SAY_GET)
    }
    assert {path: names for path, names in offenders.items() if names} == {}


def test_own_rules_are_requested_by_type_on_2_17_only() -> None:
    for path in PLUGIN.rglob("*.py"):
        if path.name.startswith("test_"):
            continue
        for node in tree(path).body:
            if isinstance(node, ast.ImportFrom):
                assert node.module != "cascade_pants.engine.own_rules", f"{path} imports it on every version"


def test_a_rule_awaits_only_what_is_defined_above_it() -> None:
    """Pants reads a rule when it is decorated, and finds no requests in a function that is defined later.

    Such a plugin loads, and fails when the rule runs.
    """
    for path in PLUGIN.rglob("*.py"):
        module = tree(path)
        functions = {node.name: node for node in ast.walk(module) if isinstance(node, ast.AsyncFunctionDef)}
        for name, function in functions.items():
            if not any("rule" in ast.unparse(decorator) for decorator in function.decorator_list):
                continue
            for helper in awaited_by(function, functions):
                line = functions[helper].lineno
                assert line < function.lineno, f"{path}:{line} {helper} stands below the rule {name}, which awaits it"


def awaited_by(function: ast.AsyncFunctionDef, functions: dict[str, ast.AsyncFunctionDef]) -> set[str]:
    """Find the functions of its module that a function calls, directly or indirectly."""
    found: set[str] = set()
    waiting = [function]
    while waiting:
        called = {ast.unparse(call.func) for call in ast.walk(waiting.pop()) if isinstance(call, ast.Call)}
        new = (called & functions.keys()) - found
        found |= new
        waiting.extend(functions[name] for name in new)
    return found
