{#- Cells of fct_metric_period that break its promises: one row per key, a value or a reason for none, members that add up
    to the total wherever a numerator and a denominator are additive, and only metrics of the dictionary. -#}
{% test metric_cells_whole(model) %}
select 'key is not unique' as problem, metric, grain, period_start, segment, member
from {{ model }}
group by metric, grain, period_start, segment, member
having count(*) > 1
union all
select 'neither value nor reason, or both', metric, grain, period_start, segment, member
from {{ model }}
where (value is null) = (null_reason is null)
union all
select 'segment does not add up to the total', parts.metric, parts.grain, parts.period_start, parts.segment, null
from (
    select metric, grain, period_start, segment, sum(numerator) as numerator, sum(denominator) as denominator
    from {{ model }}
    where segment <> 'all'
    group by metric, grain, period_start, segment
) as parts
inner join {{ model }} as total
    on parts.metric = total.metric and parts.grain = total.grain and parts.period_start = total.period_start
    and total.segment = 'all'
where
    abs(parts.numerator - total.numerator) > 0.00001 * (1 + abs(total.numerator))
    or abs(parts.denominator - total.denominator) > 0.00001 * (1 + abs(total.denominator))
union all
select 'not in the dictionary', measured.metric, null, null, null, null
from (select distinct metric from {{ model }}) as measured
left join {{ ref('dim_metric') }} as defined on measured.metric = defined.metric
where defined.metric is null
{% endtest %}
