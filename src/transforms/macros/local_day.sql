{# The day on which an instant falls in New York. A day there overlaps two days in UTC. #}
{% macro local_day(instant) -%}
    cast({{ instant }} at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}
