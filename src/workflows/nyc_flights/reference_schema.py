"""The schemas of the reference tables, which explain the codes of flights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from workflows.nyc_common.airports import AirportCode

CarrierCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]
TailNumber = Annotated[str, Field(min_length=5, max_length=6)]


class Airline(BaseModel):
    """An airline."""

    carrier: CarrierCode = Field(description="Two letters or digits.")
    name: str = Field(min_length=1, description="Company name.")


class Airport(BaseModel):
    """An airport in the United States or a destination of its airlines."""

    faa: AirportCode = Field(description="FAA code.")
    name: str = Field(min_length=1, description="Usual name.")
    lat: float = Field(ge=-90, le=90, description="Degrees north.")
    lon: float = Field(ge=-180, le=180, description="Degrees east.")
    alt: int = Field(ge=-1_500, le=16_000, description="Altitude in feet.")
    tz: int = Field(ge=-12, le=14, description="Hours from UTC.")
    dst: Literal["A", "U", "N"] = Field(description="Daylight saving time: A as in the USA, N for none, U if unknown.")
    tzone: str | None = Field(description="IANA name of the time zone.")


class Plane(BaseModel):
    """An aircraft in the FAA's register."""

    tailnum: TailNumber = Field(description="The registration painted on it.")
    year: int | None = Field(ge=1903, le=2013, description="Year it was built.")
    type: str = Field(description="Kind of aircraft.")
    manufacturer: str = Field(description="Manufacturer.")
    model: str = Field(description="Model name.")
    engines: int = Field(ge=1, le=8, description="Number of engines.")
    seats: int = Field(ge=1, le=900, description="Number of seats.")
    speed: int | None = Field(ge=1, le=1_500, description="Mean cruising speed in miles per hour; mostly unknown.")
    engine: str = Field(description="Kind of engine.")
