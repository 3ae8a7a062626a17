-- One row per day and airport: how punctual its departures were, and what the weather was like.
with departures as (

    select
        flown_on,
        origin,
        count(*) as flights,
        count(*) filter (where is_canceled) as canceled_flights,
        count(*) filter (where is_late) as late_flights,
        avg(departure_delay_minutes) as mean_departure_delay_minutes
    from {{ ref('silver_flights') }}
    group by flown_on, origin

)

select
    departures.flown_on,
    departures.origin,
    departures.flights,
    departures.canceled_flights,
    departures.late_flights,
    departures.mean_departure_delay_minutes,
    weather.mean_temperature_f,
    weather.max_wind_speed_mph,
    weather.precipitation_inches,
    weather.min_visibility_miles
from departures
left join {{ ref('silver_weather_days') }} as weather
    on
        departures.flown_on = weather.observed_on
        and departures.origin = weather.airport_code
