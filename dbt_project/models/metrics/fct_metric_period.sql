-- Hooks make and drop what int_metric_measured and int_metric_cut read. They run outside the transaction, for within
-- one DuckDB frees nothing of what is dropped.
{{ config(
    pre_hook={
        'sql': '{{ metric_inputs() }}{% if execute %}{{ create_metric_measured() }}{% endif %}',
        'transaction': false
    },
    post_hook='{% if execute %}{{ drop_metric_measured() }}{% endif %}'
) }}
with

measured as (

    select * from {{ ref('int_metric_measured') }}

),

as_of as (

    -- the first local date that is not over yet
    select
        {{ local_date('as_of') }} as today,
        {{ threshold('confidence_z') }} as z,
        {{ threshold('very_low_base_limit') }} as very_low_base_limit
    from {{ ref('stg_as_of') }}

),

placed as (

    select
        measured.*,
        as_of.today,
        as_of.z,
        as_of.very_low_base_limit,
        case measured.grain
            {%- for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
            when '{{ grain }}' then cast({{ dbt.dateadd(grain, -1, 'measured.period_start') }} as date)
            {%- endfor %}
        end as previous_start,
        -- weeks and days of two years are no pairs: weekdays and holidays move
        case
            when measured.grain in ('month', 'quarter', 'year')
                then cast({{ dbt.dateadd('year', -1, 'measured.period_start') }} as date)
        end as year_ago_start,
        case measured.grain
            {%- for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
            when '{{ grain }}' then cast({{ dbt.dateadd(grain, 1, 'measured.period_start') }} as date)
            {%- endfor %}
        end as next_start
    from measured
    cross join as_of

),

judged as (

    select
        *,
        case
            when
                maturity_days > 0
                and cast({{ dbt.dateadd('day', 'cast(maturity_days as integer)', 'next_start') }} as date) > today
                then 'immature'
            when is_mixed_scale then 'mixed_scales'
            when value is null and too_young_count > 0 then 'immature'
            when value is null and is_weighted and unweighted_count > 0 then 'no_frame'
            when value is null then 'no_data'
        end as null_reason
    from placed

),

-- a weighted score is as certain as one of its effective cases would be
based as (

    select
        *,
        case when is_weighted then {{ effective_cases('denominator', 'weight_squares') }} end as n_effective,
        case
            when is_weighted
                then numerator / nullif(denominator, 0) * {{ effective_cases('denominator', 'weight_squares') }}
            else numerator
        end as base_numerator,
        case
            when is_weighted
                then squares / nullif(denominator, 0) * {{ effective_cases('denominator', 'weight_squares') }}
            else squares
        end as base_squares,
        case when is_weighted then {{ effective_cases('denominator', 'weight_squares') }} else denominator end as base
    from judged

),

valued as (

    select
        *,
        case when null_reason is null then value end as known_value,
        case
            when null_reason is not null then null
            when interval_kind = 'wilson' then {{ share_standard_error('base_numerator', 'base') }}
            when interval_kind = 'nps' then {{ nps_standard_error('base_numerator', 'base_squares', 'base') }}
            when interval_kind = 'mean' then {{ mean_standard_error('base_numerator', 'base_squares', 'base') }}
        end as standard_error
    from based

),

-- it is read several times: what nobody asks for any more would be kept as often
bounded as (

    select
        metric,
        grain,
        period_start,
        previous_start,
        year_ago_start,
        cut,
        numerator,
        denominator,
        null_reason,
        n,
        n_effective,
        min_n,
        interval_kind,
        base_numerator,
        base,
        known_value,
        standard_error,
        z,
        very_low_base_limit,
        case
            when known_value is null then null
            when interval_kind = 'wilson' then {{ wilson_bound('base_numerator', 'base', 'z', -1) }}
            when interval_kind = 'nps' then {{ nps_bound('base_numerator', 'base_squares', 'base', 'z', -1) }}
            when interval_kind = 'mean' then known_value - z * standard_error
        end as ci_low,
        case
            when known_value is null then null
            when interval_kind = 'wilson' then {{ wilson_bound('base_numerator', 'base', 'z', 1) }}
            when interval_kind = 'nps' then {{ nps_bound('base_numerator', 'base_squares', 'base', 'z', 1) }}
            when interval_kind = 'mean' then known_value + z * standard_error
        end as ci_high
    from valued

),

-- a cell is named last: numbers take less room than names and are found faster
compared as (

    select
        bounded.*,
        cuts.segment,
        cuts.member,
        previous.known_value as previous_value,
        previous.ci_low as previous_ci_low,
        previous.ci_high as previous_ci_high,
        year_ago.known_value as year_ago_value,
        {{ changed_from('previous', 'change') }},
        {{ changed_from('year_ago', 'year_change') }}
    from bounded
    inner join {{ ref('int_metric_cut') }} as cuts on bounded.cut = cuts.cut
    left join bounded as previous
        on bounded.metric = previous.metric
        and bounded.grain = previous.grain
        and bounded.cut = previous.cut
        and bounded.previous_start = previous.period_start
    left join bounded as year_ago
        on bounded.metric = year_ago.metric
        and bounded.grain = year_ago.grain
        and bounded.cut = year_ago.cut
        and bounded.year_ago_start = year_ago.period_start
        and year_ago.year_ago_start is not null

),

deviated as (

    select
        *,
        {{ change_deviate('change') }} as change_z,
        {{ change_deviate('year_change') }} as year_change_z
    from compared

),

known as (

    select
        metric,
        grain,
        period_start,
        segment,
        member,
        numerator,
        denominator,
        known_value as value,
        null_reason,
        standard_error,
        ci_low,
        ci_high,
        coalesce(n, 0) as n,
        n_effective,
        cast(n as double) / nullif(n_effective, 0) as design_effect,
        coalesce(coalesce(n, 0) < min_n, false) as is_low_base,
        -- low base is asked of a metric by its min_n; few cases mark strongly only what they mark at all
        coalesce(coalesce(n, 0) < min_n and coalesce(n, 0) < very_low_base_limit, false) as is_very_low_base,
        previous_value,
        change,
        case
            when change is null then null
            when interval_kind = 'wilson' then {{ newcombe_bound(
                'known_value', 'ci_low', 'ci_high', 'previous_value', 'previous_ci_low', 'previous_ci_high', -1
            ) }}
            when interval_kind in ('nps', 'mean') then change - z * change_unpooled_error
        end as change_ci_low,
        case
            when change is null then null
            when interval_kind = 'wilson' then {{ newcombe_bound(
                'known_value', 'ci_low', 'ci_high', 'previous_value', 'previous_ci_low', 'previous_ci_high', 1
            ) }}
            when interval_kind in ('nps', 'mean') then change + z * change_unpooled_error
        end as change_ci_high,
        change_z,
        {{ two_sided_probability('change_z') }} as change_p,
        case
            when change is not null and interval_kind = 'wilson' then {{ cohen_h('known_value', 'previous_value') }}
        end as change_effect,
        {{ is_change_significant('change') }} as is_significant,
        year_ago_value,
        year_change,
        {{ is_change_significant('year_change') }} as is_year_change_significant
    from deviated

),

-- a metric of which nothing is known has no value, for a reason, rather than no row
unknown as (

    select
        defined.metric,
        grains.grain,
        case grains.grain
            when 'snapshot' then as_of.as_of_date
            {%- for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
            when '{{ grain }}' then cast({{ dbt.date_trunc(grain, 'as_of.as_of_date') }} as date)
            {%- endfor %}
        end as period_start
    from {{ ref('dim_metric') }} as defined
    inner join (
        {%- for grain in ['day', 'week', 'month', 'quarter', 'year', 'snapshot'] %}
        select '{{ grain }}' as grain
        {{- " union all" if not loop.last }}
        {%- endfor %}
    ) as grains
        on defined.grain like '%' || grains.grain || '%'
    cross join {{ ref('stg_as_of') }} as as_of
    where not exists (select 1 from bounded where bounded.metric = defined.metric)

),

final as (

    select * from known
    union all
    select
        metric,
        grain,
        period_start,
        'all' as segment,
        'all' as member,
        null as numerator,
        null as denominator,
        null as value,
        'no_data' as null_reason,
        null as standard_error,
        null as ci_low,
        null as ci_high,
        0 as n,
        null as n_effective,
        null as design_effect,
        false as is_low_base,
        false as is_very_low_base,
        null as previous_value,
        null as change,
        null as change_ci_low,
        null as change_ci_high,
        null as change_z,
        null as change_p,
        null as change_effect,
        null as is_significant,
        null as year_ago_value,
        null as year_change,
        null as is_year_change_significant
    from unknown

)

select * from final
