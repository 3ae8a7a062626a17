-- Departures by what the pilots could see at the scheduled hour.
select
    origin,
    case
        when visibility_miles is null then 'unknown'
        when visibility_miles < 1 then 'under 1 mile'
        when visibility_miles < 5 then '1 to 5 miles'
        else '5 miles and more'
    end as visibility,
    count(*) as flights,
    {{ share('is_canceled') }} as canceled_share,
    {{ share('is_late') }} as late_share
from {{ ref('silver_flights') }}
group by 1, 2
