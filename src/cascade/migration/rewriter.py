"""The change of one module's syntax tree: its imports, and the strings and names that follow from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import MetadataWrapper, PositionProvider

from cascade.migration.names import PACKAGE, Module, NewNames
from cascade.migration.syntax import (
    PackageName,
    Strings,
    dotted_node,
    is_ours,
    is_plain,
    last_name,
    on_one_line,
    renamed,
    with_argument,
    with_text,
)
from cascade.scaffold.environment import literal

_PATH = re.compile(rf"{PACKAGE}(\.[A-Za-z_]\w*)+")
_MENTION = re.compile(rf"\b{PACKAGE}\.(?:defs|schemas)\.[\w.]*")
_TAKES_A_PATH = frozenset(
    {"import_module", "__import__", "importorskip", "patch", "setattr", "delattr", "dict", "multiple"}
)
"""The functions whose first argument, if it is a string, is the path of a module or of something in one."""

_DECORATOR = "cascade_ingestion"
_OF_ASSETS = frozenset({"AssetKey", "assets", "keys", "AssetDep", "AssetIn", "SourceAsset", "AssetSpec"})
_ASSET_ARGUMENTS = frozenset({"asset", "deps", "key", "asset_key", "upstream_assets", "selection", "non_argument_deps"})


class Rewriter(cst.CSTTransformer):
    """Rewrites one module.

    Args:
        module: its old and new name.
        names: the new names of what it imports.
        assets: the new names of assets, by their old ones.
        arguments: what to add to the declarations of its workflows, unless they say it already.

    Attributes:
        missing: what is imported but exists no more; see `Rewritten`.
    """

    def __init__(
        self, module: Module, names: NewNames, assets: Mapping[str, str], arguments: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._arguments = arguments
        self.missing: set[tuple[str, str]] = set()
        self._module, self._names, self._assets = module, names, assets
        self._sure: set[cst.SimpleString] = set()
        self._asset_depth = 0
        self._attributes: dict[cst.Attribute, str] = {}
        self._names_of_package: set[str] = set()
        self._is_bound = False
        self._packages: set[str] = set()
        self._documentation: set[cst.CSTNode] = set()
        # Nodes of the new tree, since their lines differ from those of the old one.
        self._unsure: list[tuple[cst.CSTNode, str]] = []
        self._marked: dict[cst.CSTNode, str] = {}

    def located(self, after: cst.Module) -> Iterator[tuple[int, str]]:
        """Yield what a person must decide, with its line.

        Args:
            after: the rewritten module.
        """
        wrapper = MetadataWrapper(after, unsafe_skip_copy=True)
        positions = wrapper.resolve(PositionProvider)
        for node, text in dict.fromkeys(self._unsure):
            place = positions.get(node)
            yield (place.start.line if place is not None else 0), text

    def visit_Module(self, node: cst.Module) -> None:
        """Look whether the name `cascade` is that of the package in this module."""
        finder = PackageName()
        node.visit(finder)
        self._names_of_package = finder.names
        self._is_bound = finder.bound
        self._packages = {(self._names.module(name) or name).partition(".")[0] for name in finder.modules}

    # Imports.

    def visit_Import(self, node: cst.Import) -> bool:
        """Leave the names in it to `leave_Import`."""
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        """Leave the names in it to `leave_SimpleStatementLine`."""
        return False

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        """Rename the modules of `import a.b, c as d`."""
        aliases = []
        for alias in updated_node.names:
            old = get_full_name_for_node(alias.name) or ""
            if not is_ours(old):
                aliases.append(alias)
                continue
            new = self._names.module(old)
            if new is None:
                self.missing.add((old, ""))
                self._later(original_node, f"Cascade has no module {old} any more.{self._names.instead(old, [])}")
            aliases.append(alias.with_changes(name=dotted_node(new or old)))
        return updated_node.with_changes(names=aliases)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.SimpleStatementLine]:
        """Rewrite `from a import b, c`, which becomes several statements if b and c are in two modules now."""
        body = self._statements(original_node.body, updated_node.body)
        if len(body) == 1 or len(original_node.body) > 1:
            return updated_node.with_changes(body=on_one_line(body))
        lines = [cst.SimpleStatementLine([statement]) for statement in body]
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated_node.trailing_whitespace)
        return cst.FlattenSentinel(lines)

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.SimpleStatementSuite:
        """Rewrite the imports of `if x: from a import b`."""
        return updated_node.with_changes(body=on_one_line(self._statements(original_node.body, updated_node.body)))

    def _statements(
        self, before: Sequence[cst.BaseSmallStatement], after: Sequence[cst.BaseSmallStatement]
    ) -> list[cst.BaseSmallStatement]:
        """Rewrite the statements of a line."""
        body: list[cst.BaseSmallStatement] = []
        for old, statement in zip(before, after, strict=True):
            if not isinstance(statement, cst.ImportFrom):
                body.append(statement)
            elif isinstance(statement.names, cst.ImportStar):
                body.append(self._star(statement))
            else:
                body += self._split(statement)
            self._mark(old, body[-1])
        return body

    def _origin(self, node: cst.ImportFrom) -> str | None:
        """Return the old absolute name of the module of an import, or None if it is not in the package."""
        name = (get_full_name_for_node(node.module) or "") if node.module is not None else ""
        old = self._module.resolve(len(node.relative), name, moved=False) if node.relative else name
        return old if old is not None and (old == PACKAGE or is_ours(old)) else None

    def _star(self, node: cst.ImportFrom) -> cst.ImportFrom:
        old = self._origin(node)
        if old is None:
            return node
        new = self._names.module(old)
        if new is None:
            self.missing.add((old, "*"))
            self._unsure.append((node, f"Cascade has no module {old} any more.{self._names.instead(old, [])}"))
            return node
        if old not in self._names.moved:
            self._unsure.append((node, f"This imports what {old} has today, which is not what it had."))
        return self._from(node, new)

    def _split(self, node: cst.ImportFrom) -> Sequence[cst.ImportFrom]:
        old = self._origin(node)
        if old is None or isinstance(node.names, cst.ImportStar):
            return [node]
        groups: dict[str | None, list[cst.ImportAlias]] = {}
        gone = []
        for alias in node.names:
            name = get_full_name_for_node(alias.name) or ""
            found = self._names.attribute(old, name)
            if found is None:
                self.missing.add((old, name))
                gone.append(name)
                groups.setdefault(None, []).append(alias)
                continue
            groups.setdefault(found[0], []).append(renamed(alias, found[1]))
        parts = []
        for new, aliases in groups.items():
            if len(groups) > 1:
                # A comma at the end needs parentheses.
                end = aliases[-1].comma if node.lpar is not None else cst.MaybeSentinel.DEFAULT
                aliases[-1] = aliases[-1].with_changes(comma=end)
            part = node.with_changes(names=aliases)
            part = part if new is None else self._from(part, new)
            if new is None:
                listed = " and ".join(filter(None, [", ".join(gone[:-1]), gone[-1]]))
                self._unsure.append((part, f"{old} has no {listed} any more.{self._names.instead(old, gone)}"))
            parts.append(part)
        return parts

    def _from(self, node: cst.ImportFrom, new: str) -> cst.ImportFrom:
        """Return an import from another module. A relative one stays as it is if it still leads there."""
        name = (get_full_name_for_node(node.module) or "") if node.module is not None else ""
        if node.relative and self._module.resolve(len(node.relative), name, moved=True) == new:
            return node
        if not node.relative and name == new:
            return node
        before = node.whitespace_after_from if node.whitespace_after_from.value else cst.SimpleWhitespace(" ")
        between = node.whitespace_before_import if node.whitespace_before_import.value else cst.SimpleWhitespace(" ")
        return node.with_changes(
            module=dotted_node(new), relative=(), whitespace_after_from=before, whitespace_before_import=between
        )

    # Names that `import cascade.a.b` made.

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        """Look up a whole dotted name."""
        written = (get_full_name_for_node(node) or "") if self._names_of_package and is_plain(node) else ""
        name, _, rest = written.partition(".")
        if name not in self._names_of_package or not rest:
            return True
        path = f"{PACKAGE}.{rest}"
        new = self._names.dotted(path)
        if name != PACKAGE or self._is_bound or (new is not None and new.partition(".")[0] not in self._packages):
            # It may be something else, or the module does not import the other package.
            if new is not None and new != path:
                self._later(node, f"If {written} is of the package {PACKAGE}, it is {new} now.")
            return False
        if new is None:
            self._later(node, f"Cascade has no {path} any more.")
        elif new != path:
            self._attributes[node] = new
        return False

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """Rename it."""
        new = self._attributes.get(original_node)
        result = updated_node if new is None else dotted_node(new)
        self._mark(original_node, result)
        if new is not None and isinstance(result, cst.Attribute):
            result = result.with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar)
        return result

    # Strings.

    def visit_Call(self, node: cst.Call) -> None:
        """Find the strings that surely name a module, or an asset."""
        function = last_name(node.func)
        if function in _TAKES_A_PATH and node.args:
            first = node.args[0].value
            if isinstance(first, cst.SimpleString):
                self._sure.add(first)
        for argument in node.args:
            keyword = argument.keyword.value if argument.keyword is not None else ""
            if function == "import_module" and keyword == "package" and isinstance(argument.value, cst.SimpleString):
                self._sure.add(argument.value)
            if function in _OF_ASSETS or keyword in _ASSET_ARGUMENTS:
                finder = Strings()
                argument.visit(finder)
                self._sure |= {found for found in finder.found if found.evaluated_value in self._assets}

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        """Say where a workflow is declared what all of them had in common."""
        if last_name(updated_node.func) != _DECORATOR:
            return updated_node
        given = {argument.keyword.value for argument in updated_node.args if argument.keyword is not None}
        for name, value in self._arguments.items():
            if name not in given:
                updated_node = with_argument(updated_node, name, literal(value))
        return updated_node

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        """Rewrite a string that surely names something, and tell of one that may."""
        value = original_node.evaluated_value
        if not isinstance(value, str):
            return updated_node
        if value in self._assets:
            if original_node in self._sure:
                return with_text(updated_node, value, self._assets[value])
            self._unsure.append((updated_node, f'If "{value}" is the asset, it is "{self._assets[value]}" now.'))
            return updated_node
        if not _PATH.fullmatch(value):
            if original_node not in self._documentation:
                self._tell_mention(updated_node, value)
            return updated_node
        new = self._names.dotted(value)
        if original_node in self._sure and new is not None:
            return with_text(updated_node, value, new)
        if new is None and original_node in self._sure:
            self._unsure.append((updated_node, f"Cascade has no {value} any more."))
        elif new is not None and new != value:
            self._unsure.append((updated_node, f'If "{value}" is the module, it is "{new}" now.'))
        return updated_node

    def leave_FormattedStringText(
        self, original_node: cst.FormattedStringText, updated_node: cst.FormattedStringText
    ) -> cst.FormattedStringText:
        """Tell of a path that is put together at run time."""
        self._tell_mention(updated_node, original_node.value)
        return updated_node

    def visit_Expr(self, node: cst.Expr) -> None:
        """Remember a docstring."""
        self._documentation.add(node.value)

    def _tell_mention(self, node: cst.CSTNode, text: str) -> None:
        """Tell of a path that is put together at run time, or that is in code in a string."""
        found = _MENTION.search(text)
        if found and found[0].endswith("."):
            self._unsure.append((node, f'The modules of "{found[0]}" have moved.'))
        elif found and self._names.dotted(found[0]) != found[0]:
            self._unsure.append((node, f"It names {found[0]}, which has moved."))

    def _later(self, old: cst.CSTNode, text: str) -> None:
        """Remember a decision about a node that will be replaced."""
        self._marked[old] = text

    def _mark(self, old: cst.CSTNode, new: cst.CSTNode) -> None:
        if old in self._marked:
            self._unsure.append((new, self._marked.pop(old)))
