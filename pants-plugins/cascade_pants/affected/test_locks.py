"""Which requirements a change of a lockfile concerns."""

from __future__ import annotations

import json

import pytest

from cascade_pants.affected.locks import LockChange, compare

ANNOTATED = """\
app==1.0 \\
    --hash=sha256:aa
    # via -r runtime.txt
lib-core==2.0 ; python_version < "4" \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   app
    #   Lib_Extra
lib-extra==3.0 \\
    --hash=sha256:dd
    # via project (pyproject.toml)
other==4.0  # via -r runtime.txt
"""


def pex(**versions: str) -> bytes:
    requires = {"app": ["lib_core>=2; python_version > '3'"], "lib-core": [], "other": []}
    pins = [{"project_name": name, "requires_dists": requires[name], "version": versions[name]} for name in versions]
    document = {
        "locked_resolves": [{"locked_requirements": pins}],
        "pex_version": versions["app"],
        "style": "universal",
    }
    return b"// A header of Pants.\n" + json.dumps(document).encode()


def changed(before: str, after: str) -> LockChange:
    return compare(before.encode(), after.encode())


@pytest.mark.parametrize(
    ("old", "new", "names", "users"),
    [
        ("2.0", "2.1", {"lib-core"}, {"app", "lib-core", "lib-extra"}),
        ("sha256:cc", "sha256:ee", {"lib-core"}, {"app", "lib-core", "lib-extra"}),
        ("app==1.0", "app==1.1", {"app"}, {"app"}),
        ('"4"', '"5"', {"lib-core"}, {"app", "lib-core", "lib-extra"}),
        ("other==4.0 ", "other==4.1 ", {"other"}, {"other"}),
        ("other==4.0  # via -r runtime.txt\n", "", {"other"}, {"other"}),
    ],
)
def test_annotations_say_who_uses_a_pin(old: str, new: str, names: set[str], users: set[str]) -> None:
    assert changed(ANNOTATED, ANNOTATED.replace(old, new)) == LockChange(frozenset(names), frozenset(users))


def test_a_new_comment_changes_nothing() -> None:
    assert changed(ANNOTATED, f"# Made anew.\n{ANNOTATED}") == LockChange()


def test_without_annotations_all_may_use_it() -> None:
    found = changed("app==1.0\n", "app==1.1\n")
    assert (found.users, found.why_all) == (None, "the lockfile does not say what requires what")
    # One pin without is enough.
    assert changed(ANNOTATED, f"{ANNOTATED}new==1\n").users is None


def test_lockfiles_of_pex_have_edges() -> None:
    base = {"app": "1", "lib-core": "2", "other": "3"}
    versions = [pex(**base), pex(**{**base, "lib-core": "2.1"}), pex(**{**base, "other": "4"})]
    assert compare(versions[0], versions[1]).users == frozenset({"app", "lib-core"})
    assert compare(versions[0], versions[2]).users == frozenset({"other"})
    assert compare(versions[0], versions[0].replace(b"A header", b"Another header")) == LockChange()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"app==1\n"),
        (b"app==1\n", None),
        (b"app==1\n", b"app>=1\n"),
        (b"app==1\n", b"--index-url=x\napp==1\n"),
        (pex(app="1"), pex(app="1").replace(b"universal", b"strict")),
        (pex(app="1"), b"{}"),
    ],
)
def test_what_cannot_be_compared(before: bytes | None, after: bytes | None) -> None:
    found = compare(before, after)
    assert found.users is None
    assert found.why_all
