{# How many ranks the installation's key spaces have; spaces without one share the rank after them. #}
{% macro key_space_count() %}
    {% if not execute %}{{ return(1) }}{% endif %}
    {% set query = "select coalesce(max(key_space_rank), 0) from " ~ ref('stg_key_space') %}
    {{ return(run_query(query).columns[0].values()[0] | int) }}
{% endmacro %}
