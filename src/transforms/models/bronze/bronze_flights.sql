select
    {{ local_day('time_hour') }} as flown_on,
    time_hour as scheduled_hour,
    carrier as airline_code,
    flight as flight_number,
    tailnum as tail_number,
    origin,
    dest as destination,
    dep_time is null as is_canceled,
    dep_delay as departure_delay_minutes,
    arr_delay as arrival_delay_minutes,
    distance as distance_miles
from {{ source('raw', 'flights') }}
