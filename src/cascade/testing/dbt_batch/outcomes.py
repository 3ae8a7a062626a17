"""What became of each file: one case for each model and test, as text and as JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree

PASSED = frozenset({"success", "pass", "warn", "no-op"})


@dataclass(frozen=True)
class Case:
    """A model that was built, or a test that ran.

    Args:
        name: its name.
        place: its file and line.
        status: dbt's word for what happened.
        seconds: how long it took.
        message: why it failed.
        compiled: the name of the file with its compiled SQL, if it failed.
    """

    name: str
    place: str
    status: str
    seconds: float
    message: str = ""
    compiled: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed, or did not run."""
        return self.status not in PASSED

    def __str__(self) -> str:
        """Return the lines of a console."""
        if not self.failed:
            told = f" {self.message}" if self.status == "warn" and self.message else ""
            return f"{self.place}: {self.name}: {self.status}{told}"
        message = "".join(f"\n  {line}".rstrip() for line in self.message.strip().splitlines())
        compiled = f"\n  Compiled SQL: {self.compiled}" if self.compiled else ""
        return f"{self.place}: {self.name}: {self.status}{message}{compiled}"


@dataclass
class FileOutcome:
    """The cases of a file.

    Args:
        file: the file.
        cases: its models and tests.
    """

    file: str
    cases: list[Case] = field(default_factory=list)

    def document(self) -> dict[str, object]:
        """Return what Pants reads."""
        return {
            "failed": any(case.failed for case in self.cases),
            "seconds": round(sum(case.seconds for case in self.cases), 3),
            "text": "".join(f"{case}\n" for case in sorted(self.cases, key=lambda case: not case.failed)),
            "compiled": [case.compiled for case in self.cases if case.compiled],
            "junit": _junit(self.file, self.cases),
            "cases": len(self.cases),
        }


def _junit(file: str, cases: Iterable[Case]) -> str:
    cases = list(cases)
    failures = sum(case.failed for case in cases)
    suite = ElementTree.Element(
        "testsuite",
        name=file,
        tests=str(len(cases)),
        failures=str(failures),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        found, _, line = case.place.rpartition(":")
        element = ElementTree.SubElement(
            suite, "testcase", name=case.name, classname=file, file=found, line=line, time=f"{case.seconds:.3f}"
        )
        if case.failed:
            ElementTree.SubElement(element, "failure", message=case.status).text = case.message
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)
