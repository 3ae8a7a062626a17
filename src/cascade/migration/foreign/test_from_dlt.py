"""What becomes of the scripts of dlt, as far as the written text shows. `cascade.cli` tests that it runs."""

from __future__ import annotations

import ast

import pytest

from cascade.exceptions import UsageError
from cascade.migration.foreign.conftest import Other

REST = """
    import dlt
    from dlt.sources.rest_api import RESTAPIConfig, rest_api_source

    @dlt.source
    def tracker(token: str = dlt.secrets.value):
        config: RESTAPIConfig = {
            "client": {"base_url": "https://api.example.com/"},
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [
                "labels",
                {
                    "name": "issues",
                    "columns": {"title": {"data_type": "text", "nullable": False}},
                    "endpoint": {
                        "path": "issues",
                        "incremental": {"cursor_path": "updated_at", "initial_value": "2024-01-01T00:00:00Z"},
                    },
                },
            ],
        }
        yield from rest_api_resources(config)

    def load():
        pipeline = dlt.pipeline(pipeline_name="tracker", destination="duckdb")
        print(pipeline.run(tracker()))

    if __name__ == "__main__":
        load()
"""


def test_a_rest_api_gives_a_workflow_for_each_resource(other: Other) -> None:
    other.write("tracker_pipeline.py", REST)
    files = other.migrate("dlt", "tracker_pipeline.py")
    issues = files["ingestion/tracker/issues.py"]
    assert 'unique_key="id"' in issues
    assert 'return tracker().with_resources("issues")' in issues
    assert "from ._dlt.tracker_pipeline import tracker" in issues
    assert 'return tracker().with_resources("labels")' in files["ingestion/tracker/labels.py"]
    schemas = files["schemas/tracker.py"]
    assert "    updated_at: AwareDatetime\n    title: str\n" in schemas
    assert "__main__" not in files["ingestion/tracker/_dlt/tracker_pipeline.py"]
    (said,) = [each for each in other.decisions if "fill_in_the_columns" in each]
    assert "workflows/schemas/tracker.py:" in said
    assert "`dlt pipeline tracker schema --format yaml >tracker.schema.yaml`" in said


def test_the_strings_of_a_call_keep_their_quotes(other: Other) -> None:
    call = """tracker('say "now"', dlt.secrets["it's"])"""
    other.write("tracker_pipeline.py", REST.replace("print(pipeline.run(tracker()))", f"pipeline.run({call})"))
    files = other.migrate("dlt", "tracker_pipeline.py")
    assert f'return {call}.with_resources("issues")\n' in files["ingestion/tracker/issues.py"]


def test_an_exported_schema_completes_the_columns(other: Other) -> None:
    other.write("tracker_pipeline.py", REST)
    other.write(
        "tracker.schema.yaml",
        """
        Found pipeline tracker in /var/dlt/pipelines
        Found schema with name tracker
        version: 2
        tables:
          issues:
            columns:
              id: {data_type: bigint, nullable: false}
              title: {data_type: text}
              price: {data_type: decimal, precision: 10, scale: 2}
              user__name: {data_type: text}
              labels: {data_type: json}
              _dlt_id: {data_type: text, nullable: false}
          _dlt_loads:
            columns:
              load_id: {data_type: text}
        """,
    )
    schemas = other.migrate("dlt", "tracker_pipeline.py")["schemas/tracker.py"]
    issues = schemas[schemas.index("class IssuesRow") :]
    assert "fill_in" not in issues
    assert "price: Decimal | None = Field(default=None, max_digits=10, decimal_places=2)" in issues
    assert "_dlt" not in issues and "user__name" not in issues
    assert any("leaves out the nested labels, user__name" in each for each in other.decisions)


def test_code_of_the_project_is_copied_and_its_imports_follow(other: Other) -> None:
    other.write("settings.py", "NAMES = ('a', 'b')\n")
    other.write(
        "source/__init__.py", "import dlt\nfrom settings import NAMES\nimport source.helpers as helpers\n" + SOURCE
    )
    other.write("source/helpers.py", "from settings import NAMES\nimport json\n")
    other.write("source/query.sql", "select 1\n")
    other.write("unused.py", "raise SystemExit\n")
    other.write("run.py", "import dlt\nfrom source import letters\ndlt.pipeline('letters').run(letters())\n")
    files = other.migrate("dlt", "run.py")
    assert "from ._dlt.source import letters" in files["ingestion/letters/a.py"]
    assert 'return letters().with_resources("b")' in files["ingestion/letters/b.py"]
    copied = files["ingestion/letters/_dlt/source/__init__.py"]
    assert "from ..settings import NAMES" in copied
    assert "from ..source import helpers as helpers" in copied
    assert "from ..settings import NAMES" in files["ingestion/letters/_dlt/source/helpers.py"]
    assert files["ingestion/letters/_dlt/source/query.sql"] == "select 1\n"
    assert not any("unused" in path or path.endswith("_dlt/run.py") for path in files)


SOURCE = """
@dlt.source
def letters():
    for name in NAMES:
        yield dlt.resource(lambda: [], name=name, write_disposition="replace")
"""


def test_a_copy_runs_no_pipeline_when_it_is_imported(other: Other) -> None:
    other.write(
        "load.py",
        """
        import dlt

        LIMIT = 3

        @dlt.resource(name="things", primary_key="id", write_disposition="merge")
        def rows():
            yield {"id": LIMIT}

        pipeline = dlt.pipeline("things", destination="duckdb")

        def main():
            pipeline.run(rows)

        info = pipeline.run(rows())
        print(info)
        main()
        """,
    )
    copied = other.migrate("dlt", "load.py")["ingestion/things/_dlt/load.py"]
    called = [node for node in ast.parse(copied).body if not isinstance(node, (ast.Import, ast.FunctionDef))]
    assert [ast.unparse(node) for node in called] == ["LIMIT = 3"]


def test_arguments_come_from_the_call_and_statements_before_the_run_are_kept(other: Other) -> None:
    other.write(
        "load.py",
        """
        import dlt
        from dlt.sources.sql_database import sql_database

        def load(names, limit=10):
            source = sql_database(
                schema="public",
        # A comment that is farther to the left.
            ).with_resources(*names)
        # Only the first rows.
            source.add_limit(limit)
            dlt.pipeline("db").run(source, write_disposition="replace")

        def idle():
            dlt.pipeline("db").run(sql_database())

        if __name__ == "__main__":
            wanted = ["orders", "customers"]
            load(wanted)
        """,
    )
    files = other.migrate("dlt", "load.py")
    orders = files["ingestion/db/orders.py"]
    assert orders.endswith(
        "    limit = 10\n"
        '    wanted = ["orders", "customers"]\n'
        "    names = wanted\n"
        "    source = sql_database(schema='public').with_resources(*names)\n"
        "    # Only the first rows.\n"
        "    source.add_limit(limit)\n"
        '    return source.with_resources("orders")\n'
    )
    assert 'write_disposition="replace"' in orders
    assert "ingestion/db/customers.py" in files
    assert any("does not call idle" in each for each in other.decisions)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("pipeline.run(fetch(), table_name=input())", "named when the pipeline runs"),
        ("pipeline.run(dlt.resource(fetch, name=input()))", "The name of a resource is not constant"),
        ("pipeline.run(pipeline.dataset().table('x'), table_name='y')", "depends on the pipeline"),
        ("for n in input(): pipeline.run(fetch(n), table_name='y')", "in a loop over n"),
    ],
)
def test_what_only_a_run_would_tell_is_left_to_a_person(other: Other, line: str, why: str) -> None:
    other.write("load.py", f"import dlt\npipeline = dlt.pipeline('x')\ndef fetch(n=0):\n    return n\n{line}\n")
    assert other.migrate("dlt", "load.py") == {}
    (said,) = other.decisions
    assert said.startswith("../other/load.py:5: ") and why in said


def test_a_merge_without_a_key_appends(other: Other) -> None:
    other.write("load.py", "import dlt\ndlt.run([{'a': 1}], table_name='x', write_disposition='merge')\n")
    files = other.migrate("dlt", "load.py")
    assert 'write_disposition="append"' in files["ingestion/other/x.py"]
    assert any("merged without a primary key" in each for each in other.decisions)


def test_a_file_that_a_person_has_completed_is_kept(other: Other) -> None:
    other.write("tracker_pipeline.py", REST)
    files = other.migrate("dlt", "tracker_pipeline.py")
    for name, text in files.items():
        path = other.project / "workflows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert other.migrate("dlt", "tracker_pipeline.py") == {}
    (other.project / "workflows/schemas/tracker.py").write_text("# complete\n")
    assert other.migrate("dlt", "tracker_pipeline.py") == {}
    assert other.decisions == [
        "workflows/schemas/tracker.py: This file exists with other content, so it stays as it is."
    ]


def test_a_path_without_a_pipeline_is_refused(other: Other) -> None:
    other.write("load.py", "import dlt\n")
    with pytest.raises(UsageError, match="has no pipeline of dlt"):
        other.migrate("dlt", "load.py")
    other.write("broken.py", "import dlt\n\ndef :\n")
    with pytest.raises(UsageError, match=r"broken\.py:3: this is not valid Python"):
        other.migrate("dlt", "broken.py")


def test_secrets_are_neither_read_nor_copied(other: Other) -> None:
    other.write("tracker_pipeline.py", REST)
    other.write(".dlt/secrets.toml", 'token = "very-secret"\n')
    files = other.migrate("dlt")
    assert not any("very-secret" in text for text in [*files.values(), *other.decisions])
    assert any(each.startswith("../other/.dlt/secrets.toml: Copy the secrets") for each in other.decisions)


def test_scripts_in_the_project_itself_are_read_once(other: Other) -> None:
    script = "import dlt\n@dlt.resource(name='things')\ndef rows():\n    yield [{'a': 1}]\ndlt.run(rows())\n"
    (other.project / "load_things.py").write_text(script)
    written = other.project / "workflows/ingestion/things/_dlt/old.py"
    written.parent.mkdir(parents=True)
    written.write_text(script)
    plan = other.migrate("dlt", "../project")
    assert [path for path in plan if "_dlt" in path] == ["ingestion/load_things/_dlt/load_things.py"]


def test_odd_files_are_copied_as_python_reads_them(other: Other) -> None:
    path = other.root / "odd.py"
    path.write_bytes(
        "# -*- coding: latin-1 -*-\r\nimport dlt\r\n\f\r\nUMLAUT = 'ä'\r\n@dlt.resource(name='x y')\r\ndef rows():\r\n"
        "    yield [{'höhe': UMLAUT, 'class': 1, 'Class': 2}]\r\nif __name__ == '__main__':\r\n"
        "    dlt.pipeline('p').run(rows())\r\n".encode("latin-1")
    )
    (other.root / "broken").symlink_to("nowhere")
    files = other.migrate("dlt")
    copied = files["ingestion/odd/_dlt/odd.py"]
    assert copied.startswith("# -*- coding: utf-8 -*-\nimport dlt\n\f\nUMLAUT = 'ä'\n@dlt.resource")
    assert "__main__" not in copied
    assert "x_y.py" in "".join(files)
    fields = [line.strip() for line in files["schemas/odd.py"].splitlines() if "Field(" in line]
    assert fields == [
        'hohe: str = Field(alias="höhe")',
        'column_class: int = Field(alias="class")',
        'column_class_2: int = Field(alias="Class")',
    ]


def test_tables_whose_modules_would_have_one_name_are_kept_apart(other: Other) -> None:
    other.write(
        "load.py",
        """
        import dlt
        dlt.run([{"a": 1}], table_name="test_rows")
        dlt.run([{"a": 2}], table_name="rows")
        dlt.run([{"a": 1.5}], table_name="prices", primary_key="a", write_disposition="merge")
        """,
    )
    files = other.migrate("dlt", "load.py")
    texts = [text for path, text in files.items() if path.startswith("ingestion/other/") and "ingestion(" in text]
    assert len(texts) == 3
    assert "a: Decimal = Field(max_digits=38, decimal_places=9)" in files["schemas/other.py"]


def test_a_parameter_that_falls_back_to_a_constant_names_the_resources(other: Other) -> None:
    other.write(
        "desk.py",
        """
        import dlt

        DEFAULTS = ["agents", "tickets"]

        @dlt.source
        def desk(endpoints=None, key=dlt.secrets.value):
            endpoints = endpoints or DEFAULTS
            for endpoint in endpoints:
                yield dlt.resource(lambda: [], name=endpoint, primary_key="id", write_disposition="merge")

        dlt.pipeline("desk").run(desk())
        """,
    )
    files = other.migrate("dlt", "desk.py")
    assert {"ingestion/desk/agents.py", "ingestion/desk/tickets.py"} <= files.keys()


def test_a_directory_with_the_name_of_the_tool_is_not_what_a_script_imports(other: Other) -> None:
    other.write("dlt/__init__.py", "")
    other.write(
        "dlt/load.py", "import dlt\n@dlt.resource(name='a')\ndef rows():\n    yield {'x': 1}\ndlt.run(rows())\n"
    )
    files = other.migrate("dlt")
    copies = {path: text for path, text in files.items() if "_dlt" in path}
    assert list(copies) == ["ingestion/dlt/_dlt/dlt/load.py"]
    assert copies["ingestion/dlt/_dlt/dlt/load.py"].startswith("import dlt\n")


def test_methods_are_read_and_texts_of_several_lines_keep_their_content(other: Other) -> None:
    other.write(
        "load.py",
        """
        import dlt

        class Loader:
            def __init__(self):
                self.pipeline = dlt.pipeline("x")

            def go(self):
                self.pipeline.run([{"a": '''one
          two'''}], table_name="notes")

        Loader().go()
        """,
    )
    notes = other.migrate("dlt", "load.py")["ingestion/other/notes.py"]
    (function,) = [node for node in ast.parse(notes).body if isinstance(node, ast.FunctionDef)]
    returned = function.body[-1]
    assert isinstance(returned, ast.Return) and returned.value is not None
    assert ast.literal_eval(returned.value)[0]["a"].startswith("one\n")
    assert ast.literal_eval(returned.value) == [{"a": "one\n  two"}]


def test_of_statements_on_one_line_only_those_that_count_are_kept(other: Other) -> None:
    other.write("load.py", "import dlt\nx = input(); rows = [{'a': 1}]  # both\ndlt.run(rows, table_name='t')\n")
    assert other.migrate("dlt", "load.py")["ingestion/other/t.py"].endswith("    rows = [{'a': 1}]\n    return rows\n")


def test_only_a_source_selects_a_resource(other: Other) -> None:
    other.write(
        "load.py",
        """
        import dlt

        @dlt.resource(primary_key="id", write_disposition="merge", table_name="all_things")
        def things():
            yield from []

        @dlt.source
        def both():
            return [things, dlt.resource([], name="more")]

        def made():
            return dlt.resource([{"a": 1}], name="made")

        pipeline = dlt.pipeline("p")
        pipeline.run(things())
        pipeline.run(made())
        pipeline.run(both().with_resources("more"))
        pipeline.run(both())
        pipeline.run([dlt.resource([{"a": 1}], name=name) for name in ("x", "y")])
        """,
    )
    files = other.migrate("dlt", "load.py")
    assert files["ingestion/p/all_things.py"].endswith("    return things()\n")
    assert files["ingestion/p/p_all_things.py"].endswith('    return both().with_resources("things")\n')
    assert files["ingestion/p/made.py"].endswith("    return made()\n")
    assert files["ingestion/p/more.py"].endswith('    return both().with_resources("more")\n')
    assert "ingestion/p/x.py" not in files
    assert any("in a list that a loop makes" in each for each in other.decisions)
