"""Concurrent coroutines on Pants 2.17."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import Get, MultiGet, QueryRule, rule
from pants.testutil.rule_runner import RuleRunner

from cascade_pants import engine
from cascade_pants.engine.own_rules import own_rule


@dataclass(frozen=True)
class Number:
    value: int


@dataclass(frozen=True)
class Doubled:
    value: int


@dataclass(frozen=True)
class Sums:
    values: tuple[object, ...]


asked: list[int] = []


@rule
async def double(number: Number) -> Doubled:
    asked.append(number.value)
    if number.value < 0:
        raise ValueError(f"{number.value} is negative")
    return Doubled(number.value * 2)


doubled = own_rule(Doubled, Number)


async def nothing() -> str:
    return "nothing"


async def twice(value: int) -> int:
    first = await doubled(Number(value))
    return (await doubled(Number(first.value))).value


async def both(left: int, right: int) -> int:
    one, other = await MultiGet(Get(Doubled, Number, Number(left)), Get(Doubled, Number, Number(right)))
    return one.value + other.value


@rule
async def sums(number: Number) -> Sums:
    in_a_row = await engine.concurrently(twice(value) for value in range(number.value))
    mixed = await engine.concurrently(nothing(), doubled(Number(7)), twice(5), both(1, 2))
    nested = await engine.concurrently([engine.concurrently([twice(1), nothing()]), nothing()])
    empty = await engine.concurrently([])
    return Sums((in_a_row, mixed, nested, empty))


@pytest.fixture
def runner() -> RuleRunner:
    asked.clear()
    return RuleRunner(rules=[double, sums, QueryRule(Sums, [Number])])


def test_results_come_in_the_order_of_the_arguments(runner: RuleRunner) -> None:
    assert runner.request(Sums, [Number(3)]).values == (
        (0, 4, 8),
        ("nothing", Doubled(14), 20, 6),
        ((4, "nothing"), "nothing"),
        (),
    )


def test_the_result_of_an_own_rule_is_shared(runner: RuleRunner) -> None:
    runner.request(Sums, [Number(3)])
    assert sorted(asked) == sorted(set(asked))


def test_an_error_reaches_the_caller(runner: RuleRunner) -> None:
    runner = RuleRunner(rules=[double, failing, QueryRule(Sums, [Number])])
    with pytest.raises(ExecutionError, match="-1 is negative"):
        runner.request(Sums, [Number(1)])


@rule
async def failing(number: Number) -> Sums:
    return Sums(await engine.concurrently([twice(number.value), doubled(Number(-1))]))
