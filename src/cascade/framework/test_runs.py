"""The outcome of a run, and the reason for a failure."""

from __future__ import annotations

import dagster as dg

from cascade.exceptions import ConfigError
from cascade.framework.runs import RunOutcome, run_partitions


def outcome_where_a_resource_raises(error: Exception) -> RunOutcome:
    @dg.resource
    def store(_: dg.InitResourceContext) -> None:
        raise error

    @dg.asset(required_resource_keys={"store"})
    def held() -> None:
        """Is never reached."""

    definitions = dg.Definitions(assets=[held], resources={"store": store})
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = run_partitions(definitions, held.key, [None], instance=instance)
    return outcome


def test_the_error_of_a_resource_is_the_reason_for_the_failure() -> None:
    outcome = outcome_where_a_resource_raises(ConfigError("The catalog cannot be opened.", hint="Start it."))
    assert not outcome.success
    assert outcome.error is not None
    assert (outcome.error.kind, str(outcome.error)) == ("ConfigError", "The catalog cannot be opened.\nStart it.")
    assert "in store" in outcome.error.traceback


def test_the_reason_for_a_failure_shows_no_password() -> None:
    outcome = outcome_where_a_resource_raises(OSError("no postgresql://me:hush@host"))
    assert outcome.error is not None
    assert outcome.error.message == "no postgresql://me:**********@host"
