-- One row per airport and day with at least one observed hour.
select
    observed_on,
    airport_code,
    count(*) as observed_hours,
    avg(temperature_f) as mean_temperature_f,
    max(wind_speed_mph) as max_wind_speed_mph,
    sum(precipitation_inches) as precipitation_inches,
    min(visibility_miles) as min_visibility_miles
from {{ ref('bronze_weather') }}
group by observed_on, airport_code
