"""What to type in a project, with Cascade's own command line or with Pants."""

from __future__ import annotations

from dataclasses import dataclass

from cascade.scaffold.project_pants import PROJECT_TARGET, PantsPlace


@dataclass(frozen=True)
class Commands:
    """The commands of a project, each as it is typed.

    Args:
        cascade: what starts Cascade's command line with the project's workflows.
        dev: what opens the UI.
        test: what runs the tests.
        validate: what checks the declarations.
        create: what writes another workflow.
    """

    cascade: str
    dev: str
    test: str
    validate: str
    create: str

    def materialize(self, asset: str, partition: str | None = None) -> str:
        """Give the command that fills a table.

        Args:
            asset: the name of the table's asset.
            partition: the partition to run, if the table has partitions.
        """
        return f"{self.cascade} materialize {asset}" + (f" --partition {partition}" if partition else "")


def commands_for(pants: PantsPlace | None = None, program: str = "cascade") -> Commands:
    """Give the commands of a project.

    Args:
        pants: where in a repository of Pants the project is; None without Pants.
        program: what starts Cascade's command line without Pants.
    """
    if pants is None:
        return Commands(
            cascade=program,
            dev=f"{program} dev",
            test=f"{program} test",
            validate=f"{program} validate",
            create=f"{program} create-workflow",
        )
    project, everything = f"{pants.directory}:{PROJECT_TARGET}", f"{pants.directory}::"
    return Commands(
        cascade=f"{pants.launcher} run {project} --",
        dev=f"{pants.launcher} cascade-dev {project}",
        test=f"{pants.launcher} test {everything}",
        validate=f"{pants.launcher} check {everything}",
        create=f"{pants.launcher} cascade-scaffold {pants.path('workflows/orders')}",
    )
