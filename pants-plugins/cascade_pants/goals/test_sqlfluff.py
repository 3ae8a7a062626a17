"""`pants lint` and `pants fmt` by sqlfluff. A script takes its place; tests/e2e run sqlfluff itself."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import pytest
from pants.backend.python.util_rules.pex import Script, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.core.goals.fmt import FmtResult
from pants.core.goals.lint import LintResult
from pants.core.util_rules.partitions import Partitions
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, Digest, DigestContents, FileContent, Snapshot
from pants.engine.process import Process
from pants.engine.rules import rule
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.goals import sqlfluff
from cascade_pants.goals.sqlfluff import (
    CascadeSqlfluffFieldSet,
    CascadeSqlfluffFmtRequest,
    CascadeSqlfluffLintRequest,
    is_linted,
)
from cascade_pants.goals.sqlfluff_process import SqlfluffRun, from_root, hint
from cascade_pants.testing import rule_runner, set_options, two_resolves
from cascade_pants.util_rules.dbt_graph import DbtGraphRequest

SHOP = "src/sql/my shop"
A, B, MACRO = (f"{SHOP}/{name}" for name in ("models/a.sql", "models/sub/b.sql", "macros/m.sql"))
BUILD = "cascade_dbt_project()"
REQUIREMENTS = "\n".join(
    f"python_requirement(name={name!r}, requirements=['{name}>=1'])"
    for name in ("sqlfluff", "sqlfluff-templater-dbt", "sqlfluff-plugin-x", "dbt-core", "dagster-dbt", "pydantic")
)
# It prints where it is, what it got, and what else there is; it changes every file.
SCRIPT = """\
command=$1; shift 3
while [ "$1" != -- ]; do echo "option $1"; shift; done
shift
echo "home ${HOME#"$CHROOT"} profiles ${DBT_PROFILES_DIR-none} target ${DBT_TARGET-none} given ${GIVEN-none}"
(cd "$CHROOT" && find . -type f ! -name script | sort)
[ -z "$DBT_PROFILES_DIR" ] || head -1 "$DBT_PROFILES_DIR/profiles.yml"
for file in "$@"; do echo "== [$file] FAIL"; echo "L: 1 $PWD/$file" >&2; echo "-- $command" >>"$file"; done
exit ${EXIT-0}
"""


@rule
async def canned_venv(request: PexFromTargetsRequest) -> VenvPex:
    names = " ".join(address.target_name for address in request.addresses)
    script = Script(PurePath("unused"))
    return VenvPex(EMPTY_DIGEST, None, names, script, script, FrozenDict(), "venv")


@rule
async def canned_process(process: VenvPexProcess) -> Process:
    module = ("-m", "sqlfluff")
    assert process.argv[:2] == module and process.input_digest is not None
    text = f"echo 'installed {process.venv_pex.pex_filename}'\n{SCRIPT}"
    return Process(
        argv=("/bin/sh", "-c", text, "sqlfluff", *process.argv[2:]),
        input_digest=process.input_digest,
        working_directory=process.working_directory,
        output_files=process.output_files,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "CHROOT": "{chroot}", **(process.extra_env or {})},
        description="sqlfluff",
    )


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner(
        [
            *sqlfluff.rules(),
            canned_process,
            canned_venv,
            QueryRule(Partitions, [CascadeSqlfluffLintRequest.PartitionRequest]),
            QueryRule(Partitions, [CascadeSqlfluffFmtRequest.PartitionRequest]),
            QueryRule(LintResult, [CascadeSqlfluffLintRequest.Batch]),
            QueryRule(FmtResult, [CascadeSqlfluffFmtRequest.Batch]),
            QueryRule(DigestContents, [Digest]),
        ]
    )
    runner.write_files(
        {
            "3rdparty/BUILD": REQUIREMENTS,
            "src/sql/.sqlfluff": "[sqlfluff]\n[sqlfluff:templater:jinja]\nload_macros_from_path = ../../shared\n",
            "shared/m.sql": "",
            "src/plain/BUILD": BUILD,
            **{f"src/plain/{name}": "" for name in ("models/a.sql", "dbt_project.yml")},
            f"{SHOP}/BUILD": BUILD,
            f"{SHOP}/dbt_project.yml": "profile: shop\n",
            f"{SHOP}/seeds/s.csv": "a\n1\n",
            f"{SHOP}/dbt_packages/p/models/c.sql": "",
            **dict.fromkeys((A, B, MACRO), "select 1\n"),
        }
    )
    return runner


def partitions(runner: RuleRunner, request: Any = CascadeSqlfluffLintRequest) -> list[Any]:
    names = ("models/sub/b.sql", "models/a.sql", "macros/m.sql", "seeds/s.csv", "dbt_packages/p/models/c.sql")
    targets = [runner.get_target(Address(SHOP, relative_file_path=name)) for name in names]
    fields = [CascadeSqlfluffFieldSet.create(one) for one in targets if CascadeSqlfluffFieldSet.is_applicable(one)]
    return list(runner.request(Partitions, [request.PartitionRequest(tuple(fields))]))


def lint(runner: RuleRunner) -> Any:
    (partition,) = partitions(runner)
    request = CascadeSqlfluffLintRequest.Batch("sqlfluff lint", partition.elements, partition.metadata)
    return runner.request(LintResult, [request])


def fmt(runner: RuleRunner, **content: str) -> Any:
    (partition,) = partitions(runner, CascadeSqlfluffFmtRequest)
    files = [FileContent(path, text.encode()) for path, text in content.items()]
    snapshot = runner.request(Snapshot, [runner.request(Digest, [CreateDigest(files)])])
    batch = CascadeSqlfluffFmtRequest.Batch("sqlfluff format", tuple(content), partition.metadata, snapshot)
    return runner.request(FmtResult, [batch])


def test_the_sql_of_a_project_is_linted_in_its_directory(runner: RuleRunner) -> None:
    set_options(runner, CASCADE_SQLFLUFF_ARGS="--exclude-rules LT01")
    (partition,) = partitions(runner)
    assert partition.elements == (MACRO, A, B)
    result = lint(runner)
    assert (result.exit_code, result.partition_description) == (0, "src/sql/my shop:my shop")
    assert result.stdout.splitlines() == [
        "installed sqlfluff sqlfluff-plugin-x",
        "option --exclude-rules",
        "option LT01",
        "home  profiles none target none given none",
        "./shared/m.sql",
        "./src/sql/.sqlfluff",
        f"./{MACRO}",
        f"./{A}",
        f"./{B}",
        *(f"== [{path}] FAIL" for path in (MACRO, A, B)),
    ]
    assert result.stderr.splitlines() == [f"L: 1 {path}" for path in (MACRO, A, B)]


def test_dbt_gets_the_whole_project_and_a_profile(runner: RuleRunner) -> None:
    runner.write_files(
        {
            f"{SHOP}/.sqlfluff": "[sqlfluff]\ntemplater = dbt\n",
            f"{SHOP}/BUILD": "cascade_dbt_project(target='production')",
        }
    )
    set_options(runner, CASCADE_SQLFLUFF_EXTRA_ENV_VARS="['GIVEN=x', 'EXIT=1']")
    result = lint(runner)
    said = result.stdout.splitlines()
    assert result.exit_code == 1
    assert said[0] == "installed dbt-core sqlfluff sqlfluff-plugin-x sqlfluff-templater-dbt"
    assert "home  profiles ../../../__cascade_dbt_profiles target production given x" in said
    assert {f"./{SHOP}/{name}" for name in ("dbt_project.yml", "seeds/s.csv", "dbt_packages/p/models/c.sql")} < {*said}
    assert "shop:" in said


def test_the_profile_of_a_team_wins(runner: RuleRunner) -> None:
    runner.write_files({".sqlfluff": "[sqlfluff]\ntemplater = dbt\n", f"{SHOP}/profiles.yml": "theirs:\n"})
    said = lint(runner).stdout.splitlines()
    assert "home  profiles . target embedded given none" in said and "theirs:" in said


def test_files_are_formatted_as_they_are_at_that_time(runner: RuleRunner) -> None:
    result = fmt(runner, **{A: "select 2\n", B: "select 3\n"})
    written = {one.path: one.content for one in runner.request(DigestContents, [result.output.digest])}
    assert written == {A: b"select 2\n-- format\n", B: b"select 3\n-- format\n"}
    assert result.did_change and result.tool_name == "sqlfluff format"


def test_what_sqlfluff_cannot_fix_fails_lint_and_what_it_cannot_run_fails_fmt(runner: RuleRunner) -> None:
    set_options(runner, CASCADE_SQLFLUFF_EXTRA_ENV_VARS="['EXIT=1']")
    assert fmt(runner, **{A: "select 2\n"}).did_change
    set_options(runner, CASCADE_SQLFLUFF_EXTRA_ENV_VARS="['EXIT=2']")
    with pytest.raises(Exception, match="sqlfluff cannot format src/sql/my shop:my shop:"):
        fmt(runner, **{A: "select 2\n"})
    assert lint(runner).exit_code == 2


@pytest.mark.parametrize("request_type", [CascadeSqlfluffLintRequest, CascadeSqlfluffFmtRequest])
def test_a_project_can_be_left_out(runner: RuleRunner, request_type: Any) -> None:
    assert len(partitions(runner, request_type)) == 1
    runner.write_files({f"{SHOP}/BUILD": "cascade_dbt_project(skip_sqlfluff=True)"})
    assert partitions(runner, request_type) == []
    runner.write_files({f"{SHOP}/BUILD": BUILD})
    set_options(runner, CASCADE_SQLFLUFF_SKIP="true")
    assert partitions(runner, request_type) == []


def test_a_project_without_a_configuration_is_left_out_in_silence(
    runner: RuleRunner, caplog: pytest.LogCaptureFixture
) -> None:
    fields = CascadeSqlfluffFieldSet.create(runner.get_target(Address("src/plain", relative_file_path="models/a.sql")))
    found = runner.request(Partitions, [CascadeSqlfluffLintRequest.PartitionRequest((fields,))])
    assert list(found) == [] and not caplog.text


def test_a_resolve_without_sqlfluff_is_named(runner: RuleRunner, caplog: pytest.LogCaptureFixture) -> None:
    two_resolves(runner)
    runner.write_files({"3rdparty/BUILD": REQUIREMENTS.replace("])", "], resolve='b')")})
    assert partitions(runner) == []
    assert "sqlfluff leaves out src/sql/my shop:my shop, because no requirement of its resolve `a`" in caplog.text


@pytest.mark.parametrize(("chosen", "count"), [("b", 1), ("a", None)])
def test_another_resolve_can_have_it(runner: RuleRunner, chosen: str, count: int | None) -> None:
    runner.write_files({"3rdparty/BUILD": REQUIREMENTS.replace("])", "], resolve='b')")})
    set_options(
        runner,
        CASCADE_SQLFLUFF_INSTALL_FROM_RESOLVE=chosen,
        PYTHON_ENABLE_RESOLVES="true",
        PYTHON_RESOLVES="{'a': '3rdparty/a.lock', 'b': '3rdparty/b.lock'}",
        PYTHON_DEFAULT_RESOLVE="a",
    )
    if count is None:
        with pytest.raises(Exception, match="is 'a', but no requirement of this resolve is sqlfluff"):
            partitions(runner)
    else:
        assert len(partitions(runner)) == count and lint(runner).stdout.startswith("installed sqlfluff ")


def test_a_path_is_named_from_the_root_wherever_sqlfluff_names_it() -> None:
    files = ("models/a.sql", "models/a.sql.sql", "b.sql")
    text = '{"path": "models/a.sql"} x/models/a.sql models/a.sql.sql, b.sql: [b.sql]\n'
    expected = '{"path": "d/models/a.sql"} x/models/a.sql d/models/a.sql.sql, d/b.sql: [d/b.sql]\n'
    assert from_root(text.encode(), "d", files) == expected
    assert from_root(text.encode(), "", files) == text


@pytest.mark.parametrize(
    ("said", "installed", "expected"),
    [
        ("User Error: Requested templater 'dbt' which is not currently available. Try one of raw", "sqlfluff", "`r`"),
        ("User Error: Requested templater 'dbt' which is not currently available.", "sqlfluff-templater-dbt", ""),
        ('Run "dbt deps" to install package dependencies.', "sqlfluff-templater-dbt", "Pants does not see packages"),
        ("== [a.sql] FAIL", "sqlfluff", ""),
    ],
)
def test_what_is_missing_is_explained(said: str, installed: str, expected: str) -> None:
    run = SqlfluffRun(DbtGraphRequest(Address("d"), "r", "embedded", None, ()), "r")
    found = hint(run, said, [installed])
    assert expected in found and bool(expected) == bool(found)


def test_a_project_in_the_root_of_the_repository(runner: RuleRunner) -> None:
    runner.write_files({"BUILD": "cascade_dbt_project(name='all')", ".sqlfluff": "[sqlfluff]\ntemplater = dbt\n"})
    runner.write_files({"dbt_project.yml": "profile: here\n", "models/a.sql": ""})
    fields = CascadeSqlfluffFieldSet.create(
        runner.get_target(Address("", target_name="all", relative_file_path="models/a.sql"))
    )
    (partition,) = runner.request(Partitions, [CascadeSqlfluffLintRequest.PartitionRequest((fields,))])
    request = CascadeSqlfluffLintRequest.Batch("sqlfluff lint", partition.elements, partition.metadata)
    said = runner.request(LintResult, [request]).stdout.splitlines()
    assert "home  profiles ./__cascade_dbt_profiles target embedded given none" in said
    assert "here:" in said and "== [models/a.sql] FAIL" in said


def test_only_sql_of_the_project_itself_is_linted() -> None:
    assert is_linted("a/models/b.sql") and is_linted("macros/m.sql")
    assert not any(map(is_linted, ("a/seeds/b.csv", "a/dbt_packages/p/b.sql", "models/m.py", "models/m.yml")))
