"""What the rows of the tables must look like that explain the codes of flights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from workflows.nyc_common.airports import AirportCode

CarrierCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")]
TailNumber = Annotated[str, Field(min_length=5, max_length=6)]


class Airline(BaseModel):
    """An airline."""

    carrier: CarrierCode = Field(description="Two letters or digits.")
    name: str = Field(min_length=1, description="Name of the company.")


class Airport(BaseModel):
    """An airport of the United States, or of a place that its airlines fly to."""

    faa: AirportCode = Field(description="The FAA's code.")
    name: str = Field(min_length=1, description="Usual name.")
    lat: float = Field(ge=-90, le=90, description="Degrees north.")
    lon: float = Field(ge=-180, le=180, description="Degrees east.")
    alt: int = Field(ge=-1_500, le=16_000, description="Altitude in feet.")
    tz: int = Field(ge=-12, le=14, description="Hours from UTC.")
    dst: Literal["A", "U", "N"] = Field(description="Daylight saving: A as in the USA, N none, U unknown.")
    tzone: str | None = Field(description="IANA name of the time zone.")


class Plane(BaseModel):
    """An aircraft in the FAA's register."""

    tailnum: TailNumber = Field(description="The registration painted on it.")
    year: int | None = Field(ge=1903, le=2013, description="When it was built.")
    type: str = Field(description="Kind of aircraft.")
    manufacturer: str = Field(description="Who built it.")
    model: str = Field(description="The manufacturer's name of the model.")
    engines: int = Field(ge=1, le=8, description="Number of engines.")
    seats: int = Field(ge=1, le=900, description="Number of seats.")
    speed: int | None = Field(ge=1, le=1_500, description="Mean cruising speed in miles per hour; mostly unknown.")
    engine: str = Field(description="Kind of engine.")
