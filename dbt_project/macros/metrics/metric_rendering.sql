{#- Renders the definitions into SQL: the measures of each fact by each of its time dimensions, a temporary table per pair of
    these, then one select per metric. -#}

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

{#- Which part of the values of a measure that does not add up is below it. -#}
{% macro percentile_of(measure) %}
    {%- if measure.agg == 'median' -%}
        {{ return(0.5) }}
    {%- elif measure.agg == 'percentile' and not measure.agg_params.use_discrete_percentile -%}
        {{ return(measure.agg_params.percentile) }}
    {%- endif -%}
    {{ metric_failed(measure.name, 'aggregation ' ~ measure.agg ~ ' is not rendered; state a mean as a ratio') }}
{% endmacro %}

{#- What has percentiles, each once however many are asked: {column: {measure: p}}. -#}
{% macro distributions(scan) %}
    {% set found = {} %}
    {% for name, measure in scan.holistic.measures.items() if measure.agg != 'count_distinct' %}
        {% do found.setdefault(scan.column_of[name], {}).update({name: percentile_of(measure)}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{#- {measure: column} -#}
{% macro distinct_counts(scan) %}
    {% set found = {} %}
    {% for name, measure in scan.holistic.measures.items() if measure.agg == 'count_distinct' %}
        {% do found.update({name: scan.column_of[name]}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{#- {name: {model, time, reachable, is_summed_early, grains, segments, measures, holistic, read, column_of}} of all scans that
    the definitions need; `holistic` is what those measures ask for that do not add up: {grains, segments, measures}. `read` is
    what is read of each row, once for all measures of it ({expression: {column, expression}}; of what is added up early once for
    each: {measure: {column, expression}}), and `column_of` where a measure finds it ({measure: column}). -#}
{% macro metric_scans(definitions) %}
    {% set scans = {} %}
    {% for definition in definitions %}
        {% for part in definition.parts %}
            {% set name = scan_name(part, definition) %}
            {% if name not in scans %}
                {% do scans.update({name: {
                    'model': part.of.model, 'time': part.of.time, 'reachable': part.of.reachable,
                    'is_summed_early': is_summed_early(part, definition),
                    'grains': [], 'segments': [], 'measures': {}, 'holistic': {'grains': [], 'segments': [], 'measures': {}},
                    'read': {}, 'column_of': {},
                }}) %}
            {% endif %}
            {% set expression = part.of.measure.expr or part.measure %}
            {#- what is added up early is so by each measure in its own way -#}
            {% set column = scans[name].read.setdefault(
                part.measure if scans[name].is_summed_early else expression,
                {'column': 'of_' ~ part.measure, 'expression': expression}
            ).column %}
            {% do scans[name].column_of.update({part.measure: column}) %}
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

{% macro scan_name(part, definition) %}
    {{ return(
        part.of.model.name ~ '_by_' ~ part.of.time.name
        ~ ('_snapshot' if definition.grains == ['snapshot'] else '')
        ~ ('_early' if is_summed_early(part, definition) else '')
    ) }}
{% endmacro %}

{#- Whether rows are added up by the key of what they share their date, cuts and keys with, before anything is joined to
    them, as the answers of one response are: `rows_share_cuts` in the config.meta of a semantic model says that `key`,
    the model `of` that holds what they share under the same names, and which cuts each row has apart. -#}
{% macro is_summed_early(part, definition) %}
    {% set shared = part.of.model.config.meta.rows_share_cuts %}
    {% set apart = definition.segments | select('in', shared.apart) | list if shared else [] %}
    {{ return(shared and not apart and not is_holistic(part.of.measure)) }}
{% endmacro %}

{#- The definitions by the scans that they need: periods of time, which hold the rows that have a time, and the snapshot,
    which holds what is known at the as-of date: all rows of a fact, also those without a time, or, of a fact that repeats
    its rows date by date (`snapshot: as_of_date` in the config.meta of its semantic model), those of that date; and the
    cuts that rows share and those that each has apart. `cells` are the segments of which each gives cells. -#}
{% macro metrics_by_scan(definitions) %}
    {% set split = [] %}
    {% for definition in definitions %}
        {% set periods = definition.grains | reject('equalto', 'snapshot') | list %}
        {% set apart = (definition.parts[0].of.model.config.meta.rows_share_cuts or {'apart': []}).apart %}
        {% set alone = definition.segments | select('in', apart) | list %}
        {% set shared = definition.segments | reject('in', apart) | list %}
        {% for grains in [periods, definition.grains | select('equalto', 'snapshot') | list] if grains %}
            {% for segments, cells in [(shared, ['all'] + shared), (alone, alone)] if cells %}
                {% set part = definition.copy() %}
                {% do part.update({'grains': grains, 'segments': segments, 'cells': cells}) %}
                {% do split.append(part) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {{ return(split) }}
{% endmacro %}

{#- Makes a temporary table per scan, named as it is: its measures by every grain and every cut, and a view that puts the
    metrics together from them. A statement each: what DuckDB keeps for one is gone before the next, and a median holds all
    values of all its cells. -#}
{% macro create_metric_measured() %}
    {% set definitions = metrics_by_scan(metric_definitions()) %}
    {% set scans = metric_scans(definitions) %}
    {{ create_metric_cuts(scans) }}
    {% for name, scan in scans.items() %}
    {%- set whole = scan.copy() %}
    {%- do whole.update({
        'segments': (scan.segments + scan.holistic.segments) | unique | list,
        'grains': (scan.grains + scan.holistic.grains) | unique | list,
    }) %}
    {#- rows of a day one after the other find the cells of that day at hand, which halves the time of putting them there #}
    create temporary table placed as
    {{ metric_rows(whole) }}
    order by period_date;
    {%- if scan.measures and scan.holistic.measures %}
    {{ create_added_up(name ~ '_added_up', scan) }}
    {{ create_holistic(name ~ '_holistic', scan) }}
    create temporary table {{ name }} as
    {#- each has cells that the other lacks #}
    select * from {{ name }}_added_up
    full outer join {{ name }}_holistic using (grain, period_start, cut);
    drop table {{ name }}_added_up;
    drop table {{ name }}_holistic;
    {%- else %}
    {{ create_added_up(name, scan) if scan.measures else create_holistic(name, scan) }}
    {%- endif %}
    drop table placed;
    {% endfor %}
    create temporary view metric_measured as
    {% for definition in definitions %}
    {{ metric_selected(definition) }}
    {{ 'union all' if not loop.last }}
    {% endfor %};
{% endmacro %}

{#- Drops what `create_metric_measured` made: nothing else is temporary in the model's connection. -#}
{% macro drop_metric_measured() %}
    drop view metric_measured;
    {% set made = run_query(
        "select table_name from information_schema.tables where table_type = 'LOCAL TEMPORARY' order by table_name"
    ) %}
    {% for row in made %}
    drop table {{ row[0] }};
    {% endfor %}
{% endmacro %}

{#- Makes a temporary table of every cut, a member of a segment or the total: {cut, segment, member}. Rows are put in order and
    added up by its number, which takes less time and room than names. -#}
{% macro create_metric_cuts(scans) %}
    {% set members = [] %}
    {% for scan in scans.values() %}
        {% for segment in (scan.segments + scan.holistic.segments) | unique %}
            {% set from = scan.reachable[segment] %}
            {% set holder = from.model.node_relation.alias if from.entity else own_cuts_of(scan) %}
            {% set expression = (from.dimension if from.entity else from.own).expr or segment %}
            {% do members.append((segment, member_name('null'), none)) %}
            {% do members.append((segment, member_name(expression), holder)) %}
        {% endfor %}
    {% endfor %}
    create temporary table metric_cuts as
    select {{ total_cut() }} as cut, 'all' as segment, 'all' as member
    union all
    select cast(row_number() over (order by segment, member) as integer) as cut, segment, member
    from (
        {%- for segment, member, holder in members | unique %}
        select '{{ segment }}' as segment, {{ member }} as member
        {%- if holder %} from {{ ref(holder) }}{% endif %}
        {{ 'union' if not loop.last }}
        {%- endfor %}
    ) as members;
{% endmacro %}

{#- The number of the total; those of members begin with 1. -#}
{% macro total_cut() %}0{% endmacro %}

{#- What a member is called: never null. -#}
{% macro member_name(expression) -%}
    coalesce(cast({{ expression }} as {{ dbt.type_string() }}), '(none)')
{%- endmacro %}

{#- Finds the number of the member that an expression names. -#}
{% macro join_cut(segment, expression) -%}
    inner join metric_cuts as cut_of_{{ segment }}
        on cut_of_{{ segment }}.segment = '{{ segment }}' and cut_of_{{ segment }}.member = {{ member_name(expression) }}
{%- endmacro %}

{#- Measures that add up: the rows are added up by day, and the days to periods. -#}
{% macro create_added_up(name, scan) %}
    create temporary table {{ name }} as
    with days as (
        select
            period_date,
            {{ cut_in(scan.segments) }},
            {%- for measure_name, measure in scan.measures.items() %}
            {%- set column = scan.column_of[measure_name] %}
            {{ measure_of_sums(measure, column) if scan.is_summed_early else measure_of_rows(measure, column) }}
                as {{ measure_name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from placed
        group by {{ cuts_by('period_date', scan.segments) }}
    )
    select
        case
            {%- for grain in scan.grains %}
            when grouping(by_{{ grain }}) = 0 then '{{ grain }}'
            {%- endfor %}
        end as grain,
        coalesce({% for grain in scan.grains %}by_{{ grain }}, {% endfor %}null) as period_start,
        cut,
        {%- for measure_name, measure in scan.measures.items() %}
        {{ measure_of_days(measure, measure_name) }} as {{ measure_name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {%- for grain in scan.grains %}
            {{ period_of(grain, 'period_date') }} as by_{{ grain }},
            {%- endfor %}
            days.*
        from days
    ) as dated
    group by grouping sets (
        {%- for grain in scan.grains %}
        (by_{{ grain }}, cut){{ ',' if not loop.last }}
        {%- endfor %}
    );
{% endmacro %}

{#- Measures that do not add up, each taken from all rows of each period. -#}
{% macro create_holistic(name, scan) %}
    {% set counts, spread = distinct_counts(scan), distributions(scan) %}
    {% set taken, named = [], [] %}
    {% for count, column in counts.items() %}
        {% do taken.append('count(distinct ' ~ column ~ ') as ' ~ count) %}
        {% do named.append('cast(' ~ count ~ ' as double) as ' ~ count) %}
    {% endfor %}
    {% for column, percentiles in spread.items() %}
        {% do taken.append(exact_percentiles(column, percentiles.values() | list) ~ ' as all_' ~ column) %}
        {% for measure in percentiles %}
            {% do named.append('cast(' ~ list_item('all_' ~ column, loop.index0) ~ ' as double) as ' ~ measure) %}
        {% endfor %}
    {% endfor %}
    {% for grain in scan.holistic.grains %}
    {{ 'create temporary table ' ~ name ~ ' as' if loop.first else 'insert into ' ~ name }}
    select
        grain,
        period_start,
        cut,
        {{ named | join(',\n        ') }}
    from (
        select
            '{{ grain }}' as grain,
            period_start,
            {{ cut_in(scan.holistic.segments) }},
            {{ taken | join(',\n            ') }}
        from (
            select
                {{ period_of(grain, 'period_date') }} as period_start,
                placed.*
            from placed
            {{ with_values(spread.keys() | list, scan.holistic.measures.values() | list) }}
        ) as dated
        group by {{ cuts_by('period_start', scan.holistic.segments) }}
    ) as measured;
    {% endfor %}
{% endmacro %}

{#- The total and each segment by a date. -#}
{% macro cuts_by(date, segments) -%}
    grouping sets (
        ({{ date }}){% for segment in segments %}, ({{ date }}, in_{{ segment }}){% endfor %}
    )
{%- endmacro %}

{#- The first day of the period that a date lies in. -#}
{% macro period_of(grain, date) -%}
    {%- if grain == 'snapshot' -%} {{ date }} {%- else -%} cast({{ dbt.date_trunc(grain, date) }} as date) {%- endif -%}
{%- endmacro %}

{#- Which cut a row of grouping sets speaks of: the one that is not null, or the total. -#}
{% macro cut_in(segments) -%}
    coalesce({% for segment in segments %}in_{{ segment }}, {% endfor %}{{ total_cut() }}) as cut
{%- endmacro %}

{#- {entity of the fact: segments that are reached by it}. -#}
{% macro joined_segments(scan) %}
    {% set joined = {} %}
    {% for segment in scan.segments if scan.reachable[segment].entity %}
        {% do joined.setdefault(scan.reachable[segment].entity.name, []).append(segment) %}
    {% endfor %}
    {{ return(joined) }}
{% endmacro %}

{#- The rows of a fact with their date, their cut by each segment, and what the measures are taken of. -#}
{% macro metric_rows(scan) %}
    {% set reachable = scan.reachable %}
    select
        facts.period_date,
        {%- for segment in scan.segments %}
        {%- if reachable[segment].entity %}
        coalesce({{ reachable[segment].entity.name }}.in_{{ segment }}, {{ cut_of_none(segment) }}) as in_{{ segment }},
        {%- else %}
        cut_of_{{ segment }}.cut as in_{{ segment }},
        {%- endif %}
        {%- endfor %}
        {%- for one in scan.read.values() %}
        facts.{{ one.column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {{ facts_summed_early(scan) if scan.is_summed_early else fact_rows(scan, dates_cuts_and_keys(scan)) }}
    ) as facts
    {%- for segment in scan.segments if not reachable[segment].entity %}
    {{ join_cut(segment, 'facts.in_' ~ segment) }}
    {%- endfor %}
    {%- for entity_name, segments in joined_segments(scan).items() %}
    {%- set from = reachable[segments[0]] %}
    left join (
        select
            {%- for segment in segments %}
            cut_of_{{ segment }}.cut as in_{{ segment }},
            {%- endfor %}
            {{ from.key.expr or from.key.name }} as member_key
        from {{ ref(from.model.node_relation.alias) }}
        {%- for segment in segments %}
        {{ join_cut(segment, reachable[segment].dimension.expr or segment) }}
        {%- endfor %}
    ) as {{ entity_name }} on facts.to_{{ entity_name }} = {{ entity_name }}.member_key
    {%- endfor %}
{% endmacro %}

{#- The cut of a row that has no member of a segment. -#}
{% macro cut_of_none(segment) -%}
    (select cut from metric_cuts where segment = '{{ segment }}' and member = {{ member_name('null') }})
{%- endmacro %}

{#- The model that holds the own cuts of a scan's rows. -#}
{% macro own_cuts_of(scan) %}
    {{ return(
        scan.model.config.meta.rows_share_cuts.of if scan.is_summed_early else scan.model.node_relation.alias
    ) }}
{% endmacro %}

{#- Rows of a fact: columns of it, and what the measures are taken of. Of a narrow scan only those with values, for testing
    many values of a row costs more than the rows that it spares. -#}
{% macro fact_rows(scan, columns) %}
    select * from (
        select
            {{ columns }},
            {%- for one in scan.read.values() %}
            {{ one.expression }} as {{ one.column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref(scan.model.node_relation.alias) }}
        {{ with_time(scan) }}
    ) as single_rows
    {%- if scan.read | length <= 10 %}
    {{ with_values(
        scan.read.values() | map(attribute='column') | list,
        scan.measures.values() | list + scan.holistic.measures.values() | list
    ) }}
    {%- endif %}
{% endmacro %}

{#- Columns of a fact: its date, its own cuts, and the keys of what has the others. -#}
{% macro dates_cuts_and_keys(scan) %}
    {%- set joined = joined_segments(scan) -%}
    {{ as_of_date() if scan.grains == ['snapshot'] else scan.time.expr or scan.time.name }} as period_date
    {%- for segment in scan.segments if not scan.reachable[segment].entity -%}
    , {{ scan.reachable[segment].own.expr or segment }} as in_{{ segment }}
    {%- endfor %}
    {%- for entity in scan.model.entities if entity.name in joined -%}
    , {{ entity.expr or entity.name }} as to_{{ entity.name }}
    {%- endfor %}
{% endmacro %}

{#- Which rows a scan is about: those with a time, or, in a snapshot, all or those of the as-of date. -#}
{% macro with_time(scan) %}
    {%- set time = scan.time.expr or scan.time.name -%}
    {%- if scan.grains != ['snapshot'] -%}
    where {{ time }} is not null
    {%- elif scan.model.config.meta.snapshot == 'as_of_date' -%}
    where {{ time }} = {{ as_of_date() }}
    {%- endif %}
{% endmacro %}

{#- Those rows that have something for a measure in any of the columns; all where a measure is a count, as a count of no
    values is 0, which takes a row to say. -#}
{% macro with_values(columns, measures) %}
    {%- if not measures | selectattr('agg', 'in', ['count', 'count_distinct']) | list -%}
    where {{ columns | join(' is not null or ') }} is not null
    {%- endif %}
{% endmacro %}

{% macro as_of_date() -%}
    (select max(as_of_date) from {{ ref('stg_as_of') }})
{%- endmacro %}

{#- The same rows added up by what they share. -#}
{% macro facts_summed_early(scan) %}
    {% set shared = scan.model.config.meta.rows_share_cuts %}
    select
        sharing.*,
        {%- for one in scan.read.values() %}
        summed.{{ one.column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {{ shared.key }},
            {%- for name, measure in scan.measures.items() %}
            {{ measure_of_rows(measure, scan.column_of[name]) }} as {{ scan.column_of[name] }}{{ ',' if not loop.last }}
            {%- endfor %}
        from (
            {{ fact_rows(scan, shared.key) }}
        ) as single_rows
        group by {{ shared.key }}
    ) as summed
    inner join (
        select
            {{ shared.key }},
            {{ dates_cuts_and_keys(scan) }}
        from {{ ref(shared.of) }}
    ) as sharing on summed.{{ shared.key }} = sharing.{{ shared.key }}
{% endmacro %}

{#- One metric from its scans. A cell is there if any part has data in it; a filled part has none outside the periods in
    which the fact has data at all, so that a time before the data does not read as zero. -#}
{% macro metric_selected(definition) %}
    {% set by_scan = {} %}
    {% for part in definition.parts %}
        {% do by_scan.setdefault(scan_name(part, definition), {}).update({part.name: part}) %}
    {% endfor %}
    {% set grains = "('" ~ definition.grains | join("', '") ~ "')" %}
    select
        '{{ definition.name }}' as metric,
        parts.grain,
        parts.period_start,
        parts.cut,
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
            grain, period_start, cut,
            {%- for name, part in parts.items() %}
            {{ part.measure }} as {{ name }},
            {%- endfor %}
            null as nothing
        from {{ scan }}
        where
            grain in {{ grains }}
            and ({% for part in parts.values() %}{{ part.measure }} is not null{{ ' or ' if not loop.last }}{% endfor %})
        {%- endfor %}
    {%- else %}
        select
            cells.grain, cells.period_start, cells.cut,
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
            select grain, period_start, cut from {{ scan }}
            where
                grain in {{ grains }}
                and ({% for part in parts.values() %}{{ part.measure }} is not null{{ ' or ' if not loop.last }}{% endfor %})
            {{ 'union' if not loop.last }}
            {%- endfor %}
        ) as cells
        {%- for scan, parts in by_scan.items() %}
        left join {{ scan }}
            on cells.grain = {{ scan }}.grain and cells.period_start = {{ scan }}.period_start
            and cells.cut = {{ scan }}.cut
        {%- if parts.values() | selectattr('is_filled') | list %}
        left join {{ scan }} as {{ scan }}_total
            on cells.grain = {{ scan }}_total.grain and cells.period_start = {{ scan }}_total.period_start
            and {{ scan }}_total.cut = {{ total_cut() }}
        {%- endif %}
        {%- endfor %}
    {%- endif %}
    ) as parts
    inner join metric_cuts
        on parts.cut = metric_cuts.cut and metric_cuts.segment in ('{{ definition.cells | join("', '") }}')
{% endmacro %}
