"""Models whose constraints the mask and pydantic could read differently."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pydantic
from hypothesis import strategies as st
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, NaiveDatetime, Strict

NEW_YORK = ZoneInfo("America/New_York")


class Colour(Enum):
    """Names of plain members."""

    RED = "r"
    BLUE = "b"


class Name(StrEnum):
    """Names that are strings."""

    RED = "r"
    KELVIN = "\u212a"


class Level(IntEnum):
    """Numbers that are integers."""

    LOW = 1
    HIGH = 2**40


class Code(Enum):
    """Numbers of plain members."""

    ONE = 1
    ZERO = 0


class Inner(BaseModel):
    """A nested model."""

    a: int = Field(ge=0)


def _money(digits: int, places: int, **bounds: Any) -> Any:
    return Annotated[Decimal, Field(max_digits=digits, decimal_places=places, **bounds)]


def _even(value: int) -> int:
    assert value % 2 == 0
    return value // 2


NOON = dt.datetime(2013, 1, 1, 12, tzinfo=dt.UTC)
TYPES: tuple[Any, ...] = (
    *(int, float, str, bool, bytes, UUID, dt.date, dt.time, dt.datetime, AwareDatetime, NaiveDatetime),
    *(Annotated[int, Field(gt=-3, le=2**63)], Annotated[int, Field(ge=0, lt=2**53 + 1, multiple_of=3)]),
    *(Annotated[int, Field(gt=2**63 - 1)], Annotated[int, Field(multiple_of=2**62)], Annotated[int, Strict()]),
    *(
        Annotated[float, Field(gt=0, lt=10)],
        Annotated[float, Field(ge=-0.0, le=1e300)],
        Annotated[float, Field(le=2**60)],
    ),
    *(Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(multiple_of=0.5)]),
    *(Annotated[str, Field(min_length=1, max_length=3)], Annotated[str, Field(pattern=r"^\d+$")]),
    *(Annotated[str, Field(pattern=r"^[a-z\u00e9]*$")], Annotated[str, Field(pattern=r"(?i)^k+$", max_length=4)]),
    *(
        Annotated[str, Field(pattern=r"^\w{2}|\s$")],
        Annotated[str, Field(pattern="a.c")],
        Annotated[str, Field(pattern="b$")],
    ),
    *(pydantic.StringConstraints(strip_whitespace=True, min_length=1), pydantic.StringConstraints(to_lower=True)),
    pydantic.StringConstraints(to_upper=True, strip_whitespace=True, pattern="^ ?[A-Za-z]+$"),
    *(Annotated[bytes, Field(min_length=1, max_length=2)], pydantic.UUID4),
    *(Literal["a", "1", ""], Literal["a", None], Literal[1, 0], Literal[True], Literal[Colour.RED]),
    *(Colour, Name, Level, Code, Annotated[Colour, Strict()], Annotated[Name, Strict()]),
    *(
        _money(5, 2),
        _money(2, 2),
        _money(4, 0),
        _money(38, 10),
        _money(38, 38),
        _money(20, 1, gt=Decimal("-0.55"), lt=7),
    ),
    *(_money(10, 3, ge=Decimal("1e-9"), le=Decimal("99.9999")), _money(5, 2, multiple_of=Decimal("0.5"))),
    *(Annotated[dt.date, Field(gt=dt.date(2000, 1, 1), le=dt.date(9999, 12, 31))], pydantic.PastDate),
    Annotated[AwareDatetime, Field(ge=NOON, lt=NOON.astimezone(NEW_YORK) + dt.timedelta(days=99))],
    Annotated[dt.datetime, Field(gt=dt.datetime(2013, 1, 1), le=dt.datetime(2030, 1, 1))],
    Annotated[NaiveDatetime, Field(gt=dt.datetime(2013, 1, 1))],
    Annotated[dt.time, Field(gt=dt.time(5))],
    *(Annotated[int, AfterValidator(_even)], Annotated[int, BeforeValidator(lambda value: value)], list[int], Inner),
)

SETTINGS: tuple[ConfigDict, ...] = (
    ConfigDict(),
    ConfigDict(strict=True),
    ConfigDict(str_strip_whitespace=True, str_max_length=4),
    ConfigDict(coerce_numbers_to_str=True, allow_inf_nan=False),
    ConfigDict(str_to_lower=True, str_min_length=1),
    ConfigDict(validate_default=True),
    ConfigDict(extra="forbid", regex_engine="python-re"),
)


@lru_cache(maxsize=4096)
def model_of(kind: int, settings: int, shape: int) -> type[BaseModel]:
    """Build a model with a field `x` of one of the types and settings, and of some shape of default and alias."""
    annotation = TYPES[kind]
    if isinstance(annotation, pydantic.StringConstraints):
        annotation = Annotated[str, annotation]
    optional = annotation | None if annotation is not None else None
    shapes: dict[int, dict[str, Any]] = {
        0: {"x": (annotation, ...)},
        1: {"x": (optional, None), "n": (int, 5)},
        2: {"n": (int, ...), "x": (optional, Field(alias="X"))},
        3: {"x": (annotation, Field(default=7, validation_alias="X")), "y": (list[int], [])},
    }
    return pydantic.create_model("Model", __config__={**SETTINGS[settings], "populate_by_name": True}, **shapes[shape])


MODELS = st.builds(
    model_of,
    st.integers(0, len(TYPES) - 1),
    st.sampled_from([0, 0, 0, *range(len(SETTINGS))]),
    st.integers(0, 3),
)
