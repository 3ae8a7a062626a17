"""Airport codes, and the three airports of New York, as weather, flights and the table of airports use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

TIMEZONE = "America/New_York"

AIRPORT_CODE = r"^[A-Z0-9]{3}$"
AirportCode = Annotated[str, Field(pattern=AIRPORT_CODE)]

NewYorkCode = Literal["EWR", "JFK", "LGA"]
NEW_YORK_CODES: tuple[NewYorkCode, ...] = get_args(NewYorkCode)


@dataclass(frozen=True)
class Airport:
    """An airport and its location.

    Args:
        code: the FAA code.
        latitude: degrees north.
        longitude: degrees east.
    """

    code: NewYorkCode
    latitude: float
    longitude: float


NEW_YORK = (
    Airport("EWR", 40.6925, -74.168667),
    Airport("JFK", 40.639751, -73.778925),
    Airport("LGA", 40.777245, -73.872608),
)
