{# The rows of a model go to a table of the lakehouse. What has the name of the model in DuckDB is a view of it. #}
{% materialization iceberg, adapter="duckdb", supported_languages=['sql', 'python'] %}
  {%- set language = model['language'] -%}
  {%- set staged = make_intermediate_relation(this.incorporate(type='table'), suffix='__dbt_tmp') -%}
  {{ drop_relation_if_exists(load_cached_relation(staged)) }}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main', language=language) -%}
    {{- create_table_as(False, staged, compiled_code, language) }}
  {%- endcall %}
  {# The plugin reads the rows in a connection of its own. #}
  {% do adapter.commit() %}

  {% do adapter.store_relation('duckdb_plugin', this, [], staged.identifier, 'table', {
    'model': model.unique_id,
    'unique_key': config.get('unique_key'),
    'full_refresh': should_full_refresh(),
    'invocation': invocation_id,
  }) %}

  {% call statement('published') %}select 1{% endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% do adapter.commit() %}
  {% do adapter.drop_relation(staged) %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}


{# As dbt's own macro, which cannot be called from here, and for the models above. #}
{% macro is_incremental() %}
  {% if not execute or should_full_refresh() %}
    {{ return(False) }}
  {% endif %}
  {% if model.config.materialized != 'iceberg' %}
    {% set relation = adapter.get_relation(this.database, this.schema, this.table) %}
    {{ return(relation is not none and relation.type == 'table' and model.config.materialized == 'incremental') }}
  {% endif %}
  {% if not config.get('unique_key') %}
    {{ return(False) }}
  {% endif %}
  {% if target.type == 'trino' %}
    {% set relation = adapter.get_relation(this.database, this.schema, this.table) %}
    {{ return(relation is not none and relation.type == 'table') }}
  {% endif %}
  {# A view or a table of the same name may be what dbt built before the model went to the lakehouse. #}
  {% set found = run_query(
    "select 1 from (select schema_name, view_name as name, comment from duckdb_views() union all "
    ~ "select schema_name, table_name, comment from duckdb_tables()) where schema_name = '"
    ~ (this.schema | replace("'", "''")) ~ "' and name = '" ~ (this.identifier | replace("'", "''"))
    ~ "' and comment like 'Cascade keeps this up to date.%'"
  ) %}
  {{ return(found | length > 0) }}
{% endmacro %}
