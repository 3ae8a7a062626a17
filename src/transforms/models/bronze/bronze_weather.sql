select
    origin as airport_code,
    {{ local_day('time_hour') }} as observed_on,
    time_hour as observed_hour,
    temp as temperature_f,
    wind_speed as wind_speed_mph,
    precip as precipitation_inches,
    visib as visibility_miles
from {{ source('raw', 'weather_observations') }}
