"""Find and make the nodes of libcst that the rewriter of modules needs."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.helpers import get_full_name_for_node

from cascade.migration.names import PACKAGE


class PackageName(cst.CSTVisitor):
    """Finds what the name `cascade` is in a module.

    Attributes:
        names: the names by which the module imports the package: none, its own, or others that it gives it.
        modules: the modules that it imports without giving them another name.
        bound: whether it gives the name `cascade` to anything else.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.modules: set[str] = set()
        self.bound = False

    def visit_Import(self, node: cst.Import) -> None:
        """Look for the package among what `import` takes."""
        for alias in node.names:
            name = get_full_name_for_node(alias.name) or ""
            if alias.asname is None and (name == PACKAGE or is_ours(name)):
                self.names.add(PACKAGE)
                self.modules.add(name)
            elif alias.asname is not None and name == PACKAGE:
                self.names.add(get_full_name_for_node(alias.asname.name) or "")

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        """Look at `cascade = x`."""
        self.bound |= _is_package_name(node.target)

    def visit_Param(self, node: cst.Param) -> None:
        """Look at a parameter."""
        self.bound |= _is_package_name(node.name)

    def visit_AsName(self, node: cst.AsName) -> None:
        """Look at `as cascade`."""
        self.bound |= _is_package_name(node.name)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """Look at `def cascade()`."""
        self.bound |= _is_package_name(node.name)

    def visit_For(self, node: cst.For) -> None:
        """Look at `for cascade in x`."""
        self.bound |= _is_package_name(node.target)


class Strings(cst.CSTVisitor):
    """Finds the strings in an expression.

    Attributes:
        found: the strings.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: set[cst.SimpleString] = set()

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        """Collect a string."""
        self.found.add(node)


def on_one_line(body: Sequence[cst.BaseSmallStatement]) -> list[cst.BaseSmallStatement]:
    """Put a semicolon behind each statement of a line that needs one. libcst adds those that are missing."""
    default = cst.MaybeSentinel.DEFAULT
    return [
        statement
        if statement is body[-1] or isinstance(statement.semicolon, cst.Semicolon)
        else statement.with_changes(semicolon=default)
        for statement in body
    ]


def is_ours(name: str) -> bool:
    """Return whether a dotted name is below the package."""
    return name.startswith(f"{PACKAGE}.")


def _is_package_name(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == PACKAGE


def is_plain(node: cst.BaseExpression) -> bool:
    """Return whether an expression is names with dots between, and no call or subscript among them."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def last_name(function: cst.BaseExpression) -> str:
    """Return the last part of a dotted name; empty for any other expression."""
    if isinstance(function, cst.Attribute):
        return function.attr.value
    return function.value if isinstance(function, cst.Name) else ""


def dotted_node(path: str) -> cst.Attribute | cst.Name:
    """Return the expression of a dotted name."""
    first, *rest = path.split(".")
    node: cst.Attribute | cst.Name = cst.Name(first)
    for part in rest:
        node = cst.Attribute(node, cst.Name(part))
    return node


def with_argument(call: cst.Call, name: str, value: str) -> cst.Call:
    """Add an argument by name, on a line of its own if the others are.

    Args:
        call: the call.
        name: the name of the argument.
        value: the source of its value.
    """
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    argument = cst.Arg(cst.parse_expression(value), cst.Name(name), equal)
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if not call.args:
        return call.with_changes(args=[argument])
    *others, last = call.args
    if not others or last.keyword is None:
        return call.with_changes(
            args=[*others, last.with_changes(comma=comma), argument.with_changes(comma=last.comma)]
        )
    between = others[-1].comma
    if isinstance(between, cst.Comma):
        after = between.whitespace_after
        if isinstance(after, cst.ParenthesizedWhitespace):
            # The comment behind the argument before stays there alone.
            line = after.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
            after = after.with_changes(first_line=line, empty_lines=())
        comma = between.with_changes(whitespace_after=after)
    return call.with_changes(args=[*others, argument.with_changes(comma=comma), last])


def renamed(alias: cst.ImportAlias, name: str) -> cst.ImportAlias:
    """Return an alias of an import that takes another name, and gives what it took before its old one."""
    old = get_full_name_for_node(alias.name)
    if old == name:
        return alias
    keeps = alias.asname or cst.AsName(cst.Name(old or ""))
    return alias.with_changes(name=cst.Name(name), asname=keeps)


def with_text(node: cst.SimpleString, old: str, new: str) -> cst.SimpleString:
    """Return a string with another value, in its quotes."""
    return node.with_changes(value=node.value.replace(old, new, 1)) if old in node.value else node
