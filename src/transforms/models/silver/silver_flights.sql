-- One row per flight, with the names behind its codes and the weather at the scheduled hour of departure.
select
    flights.flown_on,
    flights.scheduled_hour,
    flights.airline_code,
    airlines.airline,
    flights.flight_number,
    flights.origin,
    flights.destination,
    airports.airport as destination_airport,
    planes.seats,
    flights.distance_miles,
    flights.is_canceled,
    flights.departure_delay_minutes,
    flights.arrival_delay_minutes,
    coalesce(flights.departure_delay_minutes > 15, false) as is_late,
    weather.visibility_miles,
    weather.precipitation_inches
from {{ ref('bronze_flights') }} as flights
left join {{ ref('bronze_airlines') }} as airlines
    on flights.airline_code = airlines.airline_code
left join {{ ref('bronze_airports') }} as airports
    on flights.destination = airports.airport_code
left join {{ ref('bronze_planes') }} as planes
    on flights.tail_number = planes.tail_number
left join {{ ref('bronze_weather') }} as weather
    on
        flights.origin = weather.airport_code
        and flights.scheduled_hour = weather.observed_hour
