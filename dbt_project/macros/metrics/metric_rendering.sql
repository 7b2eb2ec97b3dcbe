{#- Renders the definitions into SQL: the measures of each fact by each of its time dimensions, then one select per metric. -#}

{#- A measure of a longer period does not follow from those of its days. -#}
{% macro is_holistic(measure) %}
    {{ return(measure.agg not in ('sum', 'count', 'min', 'max')) }}
{% endmacro %}

{#- A sum through an exact decimal, so that it does not depend on the order of the rows. Twelve places keep weights and
    percentages exact to nine digits also in a difference. -#}
{% macro decimal_sum(expression) -%}
    sum(cast({{ expression }} as decimal(38, 12)))
{%- endmacro %}

{% macro exact_sum(expression) -%}
    cast({{ decimal_sum(expression) }} as double)
{%- endmacro %}

{#- Whether a measure counts: its expression is a CASE of ones and zeros. -#}
{% macro is_count_of_cases(measure) %}
    {% set results = modules.re.findall('(?:then|else)\\s+(\\S+)', measure.expr or '') %}
    {{ return(measure.agg == 'sum' and results and results | reject('in', ['0', '1']) | list == []) }}
{% endmacro %}

{#- A measure of rows. Counts need no decimal: the sum of whole numbers is exact as it is. -#}
{% macro measure_of_rows(measure, name) -%}
    {{ decimal_sum(name) if measure.agg == 'sum' and not is_count_of_cases(measure) else measure.agg ~ '(' ~ name ~ ')' }}
{%- endmacro %}

{#- The same measure of rows of which some are added up already. -#}
{% macro measure_of_sums(measure, name) -%}
    {{ 'sum' if measure.agg == 'count' else measure.agg }}({{ name }})
{%- endmacro %}

{#- The same measure of a period, from those of its days. -#}
{% macro measure_of_days(measure, name) -%}
    {%- if measure.agg in ('min', 'max') -%}
        {{ measure.agg }}({{ name }})
    {%- else -%}
        cast(sum({{ name }}) as double)
    {%- endif -%}
{%- endmacro %}

{#- A measure that does not add up, of the rows of a period. -#}
{% macro holistic_measure(measure, expression) -%}
    {%- if measure.agg == 'count_distinct' -%}
        cast(count(distinct {{ expression }}) as double)
    {%- elif measure.agg == 'median' -%}
        cast({{ exact_percentile(expression, 0.5) }} as double)
    {%- elif measure.agg == 'percentile' and not measure.agg_params.use_discrete_percentile -%}
        cast({{ exact_percentile(expression, measure.agg_params.percentile) }} as double)
    {%- else -%}
        {{ metric_failed(measure.name, 'aggregation ' ~ measure.agg ~ ' is not rendered; state a mean as a ratio') }}
    {%- endif -%}
{%- endmacro %}

{#- {name: {model, time, reachable, grains, segments, measures, holistic}} of all scans that the definitions need; `holistic`
    is what those measures ask for that do not add up: {grains, segments, measures}. -#}
{% macro metric_scans(definitions) %}
    {% set scans = {} %}
    {% for definition in definitions %}
        {% for part in definition.parts %}
            {% set name = scan_name(part, definition.grains) %}
            {% if name not in scans %}
                {% do scans.update({name: {
                    'model': part.of.model, 'time': part.of.time, 'reachable': part.of.reachable,
                    'grains': [], 'segments': [], 'measures': {}, 'holistic': {'grains': [], 'segments': [], 'measures': {}},
                }}) %}
            {% endif %}
            {% set asked = scans[name].holistic if is_holistic(part.of.measure) else scans[name] %}
            {% do asked.measures.update({part.measure: part.of.measure}) %}
            {% for grain in definition.grains if grain not in asked.grains %}
                {% do asked.grains.append(grain) %}
            {% endfor %}
            {% for segment in definition.segments if segment not in asked.segments %}
                {% do asked.segments.append(segment) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {{ return(scans) }}
{% endmacro %}

{% macro scan_name(part, grains) %}
    {{ return(part.of.model.name ~ '_by_' ~ part.of.time.name ~ ('_snapshot' if grains == ['snapshot'] else '')) }}
{% endmacro %}

{#- The definitions by the scans that they need: periods of time, which hold the rows that have a time, and the snapshot,
    which holds what is known at the as-of date: all rows of a fact, also those without a time, or, of a fact that repeats
    its rows date by date (`snapshot: as_of_date` in the config.meta of its semantic model), those of that date. -#}
{% macro metrics_by_kind_of_period(definitions) %}
    {% set split = [] %}
    {% for definition in definitions %}
        {% set periods = definition.grains | reject('equalto', 'snapshot') | list %}
        {% for grains in [periods, definition.grains | select('equalto', 'snapshot') | list] if grains %}
            {% set part = definition.copy() %}
            {% do part.update({'grains': grains}) %}
            {% do split.append(part) %}
        {% endfor %}
    {% endfor %}
    {{ return(split) }}
{% endmacro %}

{#- One scan as CTEs, the last of which has its name: measures of a fact by every grain and every segment, with the
    segment's member never null. -#}
{% macro metric_scan(name, scan) %}
    {% if scan.measures and scan.holistic.measures %}
    {{ added_up(name ~ '_added_up', scan) }},
    {{ holistic_ones(name ~ '_holistic', name, scan.holistic) }},
    {#- each has cells that the other lacks -#}
    {{ name }} as (
        select * from {{ name }}_added_up
        full outer join {{ name }}_holistic using (grain, period_start, segment, member)
    )
    {% else %}
    {{ added_up(name, scan) if scan.measures else holistic_ones(name, name, scan.holistic) }}
    {% endif %}
{% endmacro %}

{#- Measures that add up: the rows are added up by day, and the days to periods. -#}
{% macro added_up(name, scan) %}
    {{ name }}_days as (
        select
            period_date,
            {{ segment_and_member(scan.segments) }},
            {%- for measure_name, measure in scan.measures.items() %}
            {{ measure_of_sums(measure, 'of_' ~ measure_name) if is_summed_early(scan)
                else measure_of_rows(measure, 'of_' ~ measure_name) }}
                as {{ measure_name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            {{ metric_rows(scan) }}
        ) as placed
        group by grouping sets (
            (period_date){% for segment in scan.segments %}, (period_date, in_{{ segment }}){% endfor %}
        )
    ),
    {{ name }} as (
        select
            case
                {%- for grain in scan.grains %}
                when grouping(by_{{ grain }}) = 0 then '{{ grain }}'
                {%- endfor %}
            end as grain,
            coalesce({% for grain in scan.grains %}by_{{ grain }}, {% endfor %}null) as period_start,
            segment,
            member,
            {%- for measure_name, measure in scan.measures.items() %}
            {{ measure_of_days(measure, measure_name) }} as {{ measure_name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select
                {%- for grain in scan.grains %}
                {{ period_of(grain, 'period_date') }} as by_{{ grain }},
                {%- endfor %}
                {{ name }}_days.*
            from {{ name }}_days
        ) as dated
        group by grouping sets (
            {%- for grain in scan.grains %}
            (by_{{ grain }}, segment, member){{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{% endmacro %}

{#- Measures that do not add up, which have a model of their own. -#}
{% macro holistic_ones(name, scan_name, holistic) %}
    {{ name }} as (
        select
            grain,
            period_start,
            segment,
            member,
            {%- for measure_name in holistic.measures %}
            max(case when measure = '{{ measure_name }}' then value end) as {{ measure_name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_metric_holistic') }}
        where scan = '{{ scan_name }}'
        group by grain, period_start, segment, member
    )
{% endmacro %}

{#- The first day of the period that a date lies in. -#}
{% macro period_of(grain, date) -%}
    {%- if grain == 'snapshot' -%} {{ date }} {%- else -%} cast({{ dbt.date_trunc(grain, date) }} as date) {%- endif -%}
{%- endmacro %}

{#- Which segment and member a row of grouping sets speaks of. -#}
{% macro segment_and_member(segments) -%}
    case
        {%- for segment in segments %}
        when grouping(in_{{ segment }}) = 0 then '{{ segment }}'
        {%- endfor %}
        else 'all'
    end as segment,
    coalesce({% for segment in segments %}in_{{ segment }}, {% endfor %}'all') as member
{%- endmacro %}

{#- Whether rows are added up by their date, cuts and keys before anything is joined to them: worth it only where many
    rows share these, as the answers of one response do (`rows_share_cuts: true` in the config.meta of the semantic model). -#}
{% macro is_summed_early(scan) %}
    {{ return(scan.model.config.meta.rows_share_cuts and not is_holistic(scan.measures.values() | first)) }}
{% endmacro %}

{#- {entity of the fact: segments that are reached by it}. -#}
{% macro joined_segments(scan) %}
    {% set joined = {} %}
    {% for segment in scan.segments if scan.reachable[segment].entity %}
        {% do joined.setdefault(scan.reachable[segment].entity.name, []).append(segment) %}
    {% endfor %}
    {{ return(joined) }}
{% endmacro %}

{#- The rows of a fact that any measure of the scan has a value of, with their date and their member of each segment. -#}
{% macro metric_rows(scan) %}
    {% set reachable = scan.reachable %}
    select
        facts.period_date,
        {%- for segment in scan.segments %}
        {%- set from = reachable[segment] %}
        coalesce(cast({{ (from.entity.name if from.entity else 'facts') ~ '.in_' ~ segment }} as {{ dbt.type_string() }}), '(none)')
            as in_{{ segment }},
        {%- endfor %}
        {%- for name in scan.measures %}
        facts.of_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ facts_summed_early(scan) if is_summed_early(scan) else fact_rows(scan) }}
    ) as facts
    {%- for entity_name, segments in joined_segments(scan).items() %}
    {%- set from = reachable[segments[0]] %}
    left join (
        select
            {%- for segment in segments %}
            {{ reachable[segment].dimension.expr or segment }} as in_{{ segment }},
            {%- endfor %}
            {{ from.key.expr or from.key.name }} as member_key
        from {{ ref(from.model.node_relation.alias) }}
    ) as {{ entity_name }} on facts.to_{{ entity_name }} = {{ entity_name }}.member_key
    {%- endfor %}
{% endmacro %}

{#- Rows of a fact with their date, own cuts, keys of what they are joined to, and what the measures are taken of. -#}
{% macro fact_rows(scan) %}
    {% set time = scan.time.expr or scan.time.name %}
    {% set is_snapshot = scan.grains == ['snapshot'] %}
    {% set as_of_date %}(select max(as_of_date) from {{ ref('stg_as_of') }}){% endset %}
    {% set joined = joined_segments(scan) %}
    select * from (
        select
            {{ as_of_date if is_snapshot else time }} as period_date,
            {%- for segment in scan.segments if not scan.reachable[segment].entity %}
            {{ scan.reachable[segment].own.expr or segment }} as in_{{ segment }},
            {%- endfor %}
            {%- for entity in scan.model.entities if entity.name in joined %}
            {{ entity.expr or entity.name }} as to_{{ entity.name }},
            {%- endfor %}
            {%- for name, measure in scan.measures.items() %}
            {{ measure.expr or name }} as of_{{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref(scan.model.node_relation.alias) }}
        {%- if not is_snapshot %}
        where {{ time }} is not null
        {%- elif scan.model.config.meta.snapshot == 'as_of_date' %}
        where {{ time }} = {{ as_of_date }}
        {%- endif %}
    ) as all_rows
    {#- a count of no values is 0, which takes a row to say #}
    {%- if not scan.measures.values() | selectattr('agg', 'in', ['count', 'count_distinct']) | list %}
    where {% for name in scan.measures %}of_{{ name }} is not null{{ ' or ' if not loop.last }}{% endfor %}
    {%- endif %}
{% endmacro %}

{% macro facts_summed_early(scan) %}
    {% set shared = ['period_date'] %}
    {% for segment in scan.segments if not scan.reachable[segment].entity %}
        {% do shared.append('in_' ~ segment) %}
    {% endfor %}
    {% for entity_name in joined_segments(scan) %}
        {% do shared.append('to_' ~ entity_name) %}
    {% endfor %}
    select
        {{ shared | join(', ') }},
        {%- for name, measure in scan.measures.items() %}
        {{ measure_of_rows(measure, 'of_' ~ name) }} as of_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ fact_rows(scan) }}
    ) as single_rows
    group by {{ shared | join(', ') }}
{% endmacro %}

{#- One metric from its scans. A cell is there if any part has data in it; a filled part has none outside the periods in
    which the fact has data at all, so that a time before the data does not read as zero. -#}
{% macro metric_selected(definition) %}
    {% set by_scan = {} %}
    {% for part in definition.parts %}
        {% do by_scan.setdefault(scan_name(part, definition.grains), {}).update({part.name: part}) %}
    {% endfor %}
    {% set cells %}
        grain in ('{{ definition.grains | join("', '") }}')
        and segment in ('all', '{{ definition.segments | join("', '") }}')
    {%- endset %}
    select
        '{{ definition.name }}' as metric,
        grain,
        period_start,
        segment,
        member,
        cast({{ definition.numerator or 'null' }} as double) as numerator,
        cast({{ definition.denominator or 'null' }} as double) as denominator,
        cast({{ definition.value }} as double) as value,
        cast({{ definition.squares or 'null' }} as double) as squares,
        {{ 'true' if definition.weight_squares else 'false' }} as is_weighted,
        cast({{ definition.weight_squares or 'null' }} as double) as weight_squares,
        cast({{ definition.unweighted or 'null' }} as bigint) as unweighted_count,
        cast({{ definition.n }} as bigint) as n,
        cast({{ definition.too_young or 'null' }} as bigint) as too_young_count,
        {% if definition.one_scale -%}
        coalesce({{ definition.one_scale[0] }} <> {{ definition.one_scale[1] }}, false)
        {%- else -%} false {%- endif %} as is_mixed_scale,
        {{ "'" ~ definition.meta.interval ~ "'" if definition.meta.interval else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as interval_kind,
        cast({{ definition.meta.min_n or 'null' }} as bigint) as min_n,
        cast({{ definition.meta.maturity_days or 'null' }} as bigint) as maturity_days
    from (
    {%- if by_scan | length == 1 %}
        {%- for scan, parts in by_scan.items() %}
        select
            grain, period_start, segment, member,
            {%- for name, part in parts.items() %}
            {{ part.measure }} as {{ name }},
            {%- endfor %}
            null as nothing
        from {{ scan }}
        where
            {{ cells }}
            and ({% for part in parts.values() %}{{ part.measure }} is not null{{ ' or ' if not loop.last }}{% endfor %})
        {%- endfor %}
    {%- else %}
        select
            cells.grain, cells.period_start, cells.segment, cells.member,
            {%- for scan, parts in by_scan.items() %}
            {%- for name, part in parts.items() %}
            {% if part.is_filled -%}
            coalesce({{ scan }}.{{ part.measure }}, case when {{ scan }}_total.{{ part.measure }} is not null then 0 end) as {{ name }},
            {%- else -%}
            {{ scan }}.{{ part.measure }} as {{ name }},
            {%- endif %}
            {%- endfor %}
            {%- endfor %}
            null as nothing
        from (
            {%- for scan, parts in by_scan.items() %}
            select grain, period_start, segment, member from {{ scan }}
            where
                {{ cells }}
                and ({% for part in parts.values() %}{{ part.measure }} is not null{{ ' or ' if not loop.last }}{% endfor %})
            {{ 'union' if not loop.last }}
            {%- endfor %}
        ) as cells
        {%- for scan, parts in by_scan.items() %}
        left join {{ scan }}
            on cells.grain = {{ scan }}.grain and cells.period_start = {{ scan }}.period_start
            and cells.segment = {{ scan }}.segment and cells.member = {{ scan }}.member
        {%- if parts.values() | selectattr('is_filled') | list %}
        left join {{ scan }} as {{ scan }}_total
            on cells.grain = {{ scan }}_total.grain and cells.period_start = {{ scan }}_total.period_start
            and {{ scan }}_total.segment = 'all'
        {%- endif %}
        {%- endfor %}
    {%- endif %}
    ) as parts
{% endmacro %}

{#- Measures that do not add up, each taken from all rows of each period, as rows of a table: scan, measure, grain,
    period_start, segment, member, value. A statement per scan and kind of period: a median holds all values of all its
    cells, and DuckDB lets go of none before a statement ends. -#}
{% macro holistic_inserts(table) %}
    {% for name, scan in metric_scans(metrics_by_kind_of_period(metric_definitions())).items() if scan.holistic.measures %}
    {% set holistic = scan.copy() %}
    {% do holistic.update(scan.holistic) %}
    create temporary table placed as
    {{ metric_rows(holistic) }};
    {% for grain in holistic.grains %}
    insert into {{ table }}
    with cells as (
        select
            period_start,
            {{ segment_and_member(holistic.segments) }},
            {%- for measure_name, measure in holistic.measures.items() %}
            {{ holistic_measure(measure, 'of_' ~ measure_name) }} as {{ measure_name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            select
                {{ period_of(grain, 'period_date') }} as period_start,
                placed.*
            from placed
        ) as dated
        group by grouping sets (
            (period_start){% for segment in holistic.segments %}, (period_start, in_{{ segment }}){% endfor %}
        )
    )
    {%- for measure_name in holistic.measures %}
    select '{{ name }}', '{{ measure_name }}', '{{ grain }}', period_start, segment, member, {{ measure_name }}
    from cells
    where {{ measure_name }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %};
    {% endfor %}
    drop table placed;
    {% endfor %}
{% endmacro %}

{#- Every metric by grain, period and segment, before intervals and changes. -#}
{% macro metrics_measured() %}
    {% set definitions = metrics_by_kind_of_period(metric_definitions()) %}
    with
    {% for name, scan in metric_scans(definitions).items() %}
    {{ metric_scan(name, scan) }}{{ ',' if not loop.last }}
    {% endfor %}
    {% for definition in definitions %}
    {{ metric_selected(definition) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}
