{# On Trino every table is one of the lakehouse, so Trino writes it, in one commit. #}
{% materialization iceberg, adapter="trino", supported_languages=['sql'] %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='table') -%}
  {%- set key = cascade_key() -%}
  {%- set merges = key and existing is not none and existing.type == 'table' and not should_full_refresh() -%}
  {%- set grants = config.get('grants') -%}
  {% do cascade_require_own_table(existing) %}

  {{ run_hooks(pre_hooks) }}
  {% if key %}
    {%- set staged = make_intermediate_relation(target) -%}
    {{ drop_relation_if_exists(load_cached_relation(staged)) }}
    {% call statement('main') -%}
      {{ create_table_as(False, staged, compiled_code) }}
    {%- endcall %}
    {% do cascade_check_staged(staged, existing if merges else none, key) %}
  {% endif %}
  {% if existing is not none and existing.type != 'table' %}
    {% do adapter.drop_relation(existing) %}
  {% endif %}
  {% if merges %}
    {% do process_schema_changes('append_new_columns', staged, existing) %}
    {% call statement('merged') -%}
      {{ get_merge_sql(target, staged, key, adapter.get_columns_in_relation(existing), none) }}
    {%- endcall %}
  {% else %}
    {% call statement('replaced' if key else 'main') -%}
      {{ create_table_as(False, target, 'select * from ' ~ staged if key else compiled_code, 'replace') }}
    {%- endcall %}
  {% endif %}
  {% if key %}
    {% do adapter.drop_relation(staged) %}
  {% endif %}

  {% do persist_docs(target, model) %}
  {% do apply_grants(target, grants, should_revoke=should_revoke(existing, full_refresh_mode=not merges)) %}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# The columns of the model's unique_key; none if its rows are replaced. #}
{% macro cascade_key() %}
  {%- set key = config.get('unique_key') or [] -%}
  {{ return([key] if key is string else key) }}
{% endmacro %}


{# As in DuckDB, a model never writes to a table that a workflow or another model fills. Both leave properties in it. #}
{% macro cascade_require_own_table(existing) %}
  {% if existing is none or existing.type != 'table' %}
    {{ return(none) }}
  {% endif %}
  {%- set properties = existing.incorporate(path={'identifier': existing.identifier ~ '$properties'}) -%}
  {%- set found = {} -%}
  {% for row in run_query("select key, value from " ~ properties ~ " where key like 'cascade.%'") %}
    {% do found.update({row[0]: row[1]}) %}
  {% endfor %}
  {%- set owner = found.get('cascade.dbt-model', 'a workflow' if found else model.unique_id) -%}
  {% if owner != model.unique_id %}
    {% do exceptions.raise_compiler_error(
      'The table ' ~ existing.schema ~ '.' ~ existing.identifier ~ ' exists in the lakehouse, and ' ~ owner
      ~ ' fills it. Nothing was written. Choose another schema or alias for the model.'
    ) %}
  {% endif %}
{% endmacro %}


{# Refuse rows that the merge would lose or double, and columns that are gone. Nothing is written yet. #}
{% macro cascade_check_staged(staged, existing, key) %}
  {%- set columns = adapter.get_columns_in_relation(staged) | map(attribute='name') | list -%}
  {%- set problem = namespace(text=none) -%}
  {% for column in (adapter.get_columns_in_relation(existing) if existing is not none else []) %}
    {% if problem.text is none and column.name not in columns %}
      {% set problem.text = 'it has no column ' ~ column.name ~ ', and its table has one. To replace the table, add --full-refresh.' %}
    {% endif %}
  {% endfor %}
  {% if problem.text is none %}
    {%- set names = key | join(', ') -%}
    {%- set found = run_query(
      'select count(*), ' ~ names ~ ' from ' ~ staged ~ ' group by ' ~ names ~ ' having count(*) > 1 or '
      ~ (key | join(' is null or ')) ~ ' is null limit 1'
    ) -%}
    {% if found | length > 0 %}
      {%- set row = found[0].values() | list -%}
      {%- set shown = [] -%}
      {% for name in key %}{% do shown.append(name ~ '=' ~ row[loop.index]) %}{% endfor %}
      {%- set rows = 'a row has' if none in row else row[0] ~ ' rows have' -%}
      {% set problem.text = rows ~ ' the unique_key ' ~ (shown | join(', '))
        ~ '. Let the model return one row for each key, and no key that is null.' %}
    {% endif %}
  {% endif %}
  {% if problem.text is not none %}
    {% do adapter.drop_relation(staged) %}
    {% do exceptions.raise_compiler_error(
      'The model ' ~ this.schema ~ '.' ~ this.identifier ~ ' was not published: ' ~ problem.text ~ ' The table is as it was.'
    ) %}
  {% endif %}
{% endmacro %}


{# dbt would add the rows of an incremental model that has a unique_key a second time, where DuckDB replaces them. #}
{% macro trino__get_incremental_default_sql(arguments) %}
  {% if arguments['unique_key'] %}
    {{ return(get_incremental_merge_sql(arguments)) }}
  {% endif %}
  {{ return(get_incremental_append_sql(arguments)) }}
{% endmacro %}
