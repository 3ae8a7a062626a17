-- One row per airline and month.
select
    airline,
    cast({{ dbt.date_trunc('month', 'flown_on') }} as date) as month,
    count(*) as flights,
    {{ share('is_canceled') }} as canceled_share,
    {{ share('is_late') }} as late_share,
    avg(arrival_delay_minutes) as mean_arrival_delay_minutes
from {{ ref('silver_flights') }}
group by 1, 2
