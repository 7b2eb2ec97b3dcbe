with

measured as (

    select * from {{ ref('int_metric_measured') }}

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
