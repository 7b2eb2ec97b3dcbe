{#- One row of dim_metric: what a person reads of a metric, in both languages, with its formula down to the columns. -#}

{% macro sql_text(text) -%}
    {%- if text is none or text is undefined -%}
        cast(null as {{ dbt.type_string() }})
    {%- else -%}
        cast('{{ text | string | replace("'", "''") | replace("\n", " ") | trim }}' as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}

{#- An expression over parts with each part written out as its aggregate over the fact. -#}
{% macro metric_written(expression, parts) %}
    {% if not expression %}{{ return(none) }}{% endif %}
    {% set written = {'text': expression} %}
    {% for part in parts %}
        {% set measure = part.of.measure %}
        {% set aggregate = measure.agg ~ '(' ~ (measure.expr or measure.name) ~ ')' %}
        {% if measure.agg == 'percentile' %}
            {% set aggregate = 'percentile ' ~ measure.agg_params.percentile ~ ' of (' ~ (measure.expr or measure.name) ~ ')' %}
        {% endif %}
        {% do written.update({'text': modules.re.sub('\\b' ~ part.name ~ '\\b', aggregate, written.text)}) %}
    {% endfor %}
    {{ return(written.text) }}
{% endmacro %}

{% macro metric_described(definition) %}
    {% set meta = definition.meta %}
    select
        {{ sql_text(definition.name) }} as metric,
        {{ sql_text(meta.label_zh) }} as name_zh,
        {{ sql_text(definition.label) }} as name_en,
        {{ sql_text(definition.description) }} as description,
        {{ sql_text(meta.description_zh) }} as description_zh,
        {{ sql_text(metric_written(definition.value, definition.parts)) }} as formula,
        {{ sql_text(meta.unit) }} as unit,
        {{ sql_text(meta.direction) }} as direction,
        {{ sql_text(metric_written(definition.numerator, definition.parts)) }} as numerator,
        {{ sql_text(metric_written(definition.denominator, definition.parts)) }} as denominator,
        {{ sql_text(definition.grains | join(', ')) }} as grain,
        {{ 'true' if meta.is_additive else 'false' }} as is_additive,
        {{ sql_text(definition.segments | join(', ')) }} as valid_dimensions,
        {{ sql_text(meta.owner) }} as owner,
        {{ sql_text(meta.source) }} as source,
        cast({{ meta.target if meta.target is not none and meta.target is defined else 'null' }} as double) as target,
        cast({{ meta.min_n or 'null' }} as bigint) as min_n,
        cast({{ meta.maturity_days or 'null' }} as bigint) as maturity_days,
        {{ sql_text(meta.interval) }} as interval_method,
        {{ sql_text(meta.valid_from) }} as valid_from,
        {{ sql_text(meta.valid_to) }} as valid_to,
        {{ sql_text(meta.requirement) }} as requirement
{% endmacro %}
