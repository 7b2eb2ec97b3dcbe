with

measured as (

    select * from {{ ref('int_metric_measured') }}

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
    where not exists (select 1 from measured where measured.metric = defined.metric)

),

known_or_not as (

    select * from measured
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
        null as squares,
        null as n,
        null as too_young_count,
        false as is_mixed_scale,
        null as interval_kind,
        null as min_n,
        null as maturity_days
    from unknown

),

as_of as (

    -- the first local date that is not over yet
    select
        {{ local_date('as_of') }} as today,
        {{ threshold('confidence_z') }} as z
    from {{ ref('stg_as_of') }}

),

placed as (

    select
        measured.*,
        as_of.today,
        as_of.z,
        case measured.grain
            {%- for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
            when '{{ grain }}' then cast({{ dbt.dateadd(grain, -1, 'measured.period_start') }} as date)
            {%- endfor %}
        end as previous_start,
        case measured.grain
            {%- for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
            when '{{ grain }}' then cast({{ dbt.dateadd(grain, 1, 'measured.period_start') }} as date)
            {%- endfor %}
        end as next_start
    from known_or_not as measured
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
            when value is null then 'no_data'
        end as null_reason
    from placed

),

valued as (

    select
        metric,
        grain,
        period_start,
        segment,
        member,
        numerator,
        denominator,
        case when null_reason is null then value end as value,
        null_reason,
        squares,
        case
            when null_reason is not null then null
            when interval_kind = 'wilson' then {{ share_standard_error('numerator', 'denominator') }}
            when interval_kind = 'nps' then {{ nps_standard_error('numerator', 'squares', 'denominator') }}
        end as standard_error,
        coalesce(n, 0) as n,
        interval_kind,
        min_n,
        previous_start,
        z
    from judged

),

compared as (

    select
        valued.*,
        previous.value as previous_value,
        valued.value - previous.value as change,
        case valued.interval_kind
            when 'wilson' then {{ pooled_standard_error(
                'valued.numerator', 'valued.denominator', 'previous.numerator', 'previous.denominator'
            ) }}
            when 'nps' then sqrt(
                valued.standard_error * valued.standard_error + previous.standard_error * previous.standard_error
            )
        end as change_standard_error
    from valued
    left join valued as previous
        on valued.metric = previous.metric
        and valued.grain = previous.grain
        and valued.segment = previous.segment
        and valued.member = previous.member
        and valued.previous_start = previous.period_start

),

final as (

    select
        metric,
        grain,
        period_start,
        segment,
        member,
        numerator,
        denominator,
        value,
        null_reason,
        standard_error,
        case
            when value is null then null
            when interval_kind = 'wilson' then {{ wilson_bound('numerator', 'denominator', 'z', -1) }}
            when interval_kind = 'nps' then {{ nps_bound('numerator', 'squares', 'denominator', 'z', -1) }}
        end as ci_low,
        case
            when value is null then null
            when interval_kind = 'wilson' then {{ wilson_bound('numerator', 'denominator', 'z', 1) }}
            when interval_kind = 'nps' then {{ nps_bound('numerator', 'squares', 'denominator', 'z', 1) }}
        end as ci_high,
        n,
        coalesce(n < min_n, false) as is_low_base,
        previous_value,
        change,
        -- no variance on either side: nothing can be said
        case
            when change is null or interval_kind is null then null
            when change = 0 then false
            when change_standard_error > 0 then abs(change) / change_standard_error >= z
        end as is_significant
    from compared

)

select * from final
