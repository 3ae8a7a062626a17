{# The share of the rows of a group that fulfill a condition, from 0 to 1. #}
{% macro share(condition) -%}
    avg(case when {{ condition }} then 1e0 else 0e0 end)
{%- endmacro %}
