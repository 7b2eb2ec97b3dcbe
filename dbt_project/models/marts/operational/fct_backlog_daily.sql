-- METHODS 'Backlog': what enters and leaves, added up day by day; no ticket is ever multiplied by its days. Ages are
-- events, too: a ticket passes the border to the next age band one, three and seven days after its creation.
{% set ages = {'short': 1, 'middle': 3, 'long': 7} %}
{% set cell = 'team_key, priority, channel, region, product_line' %}
{% set periods = ['week', 'month', 'quarter', 'year'] %}
{% set flows = ['created', 'reopened', 'moved_in', 'solved', 'moved_out'] %}
with

as_of as (

    select
        {%- for age in ages %}
        cast({{ threshold('backlog_age_' ~ age) }} as integer) as {{ age }}_days,
        {%- endfor %}
        as_of,
        as_of_date
    from {{ ref('stg_as_of') }}

),

-- solved at a time that nobody states can't be placed, nor can a state that nobody states
tickets as (

    select
        tickets.ticket_key,
        tickets.created_at,
        tickets.channel,
        tickets.states_from,
        tickets.is_resolved,
        case
            when tickets.resolved_at < tickets.created_at then tickets.created_at
            else tickets.resolved_at
        end as resolved_at,
        customers.region,
        products.product_line
    from {{ ref('fct_ticket') }} as tickets
    left join {{ ref('dim_customer_version') }} as customers
        on tickets.customer_version_key = customers.customer_version_key
    left join {{ ref('dim_product') }} as products on tickets.product_key = products.product_key
    where
        tickets.is_in_scope
        and tickets.status is not null
        and (tickets.resolved_at is not null or not tickets.is_resolved)

),

states as (

    select
        states.ticket_key,
        states.position,
        states.from_at,
        states.to_at,
        case when states.status in ('new', 'open', 'pending', 'hold') then 1 else 0 end as is_open
    from {{ ref('int_ticket_state_span') }} as states
    inner join tickets on states.ticket_key = tickets.ticket_key
    where tickets.states_from = 'events'

),

compared as (

    select
        *,
        lag(is_open) over (partition by ticket_key order by position) as was_open
    from states

),

numbered as (

    select
        *,
        sum(case when was_open = is_open then 0 else 1 end) over (
            partition by ticket_key order by position rows unbounded preceding
        ) as run_number
    from compared

),

-- the times in which a ticket was open without a break
runs as (

    select
        ticket_key,
        case when run_number = 1 then 1 else 0 end as is_first,
        min(from_at) as from_at,
        -- open still if its last state has no end
        case when count(*) = count(to_at) then max(to_at) end as to_at
    from numbered
    where is_open = 1
    group by ticket_key, run_number
    union all
    -- solved as it was created: in and out at once
    select
        ticket_key,
        1 as is_first,
        min(from_at) as from_at,
        min(from_at) as to_at
    from numbered
    where is_open = 0 and run_number = 1
    group by ticket_key
    union all
    select
        ticket_key,
        1 as is_first,
        created_at as from_at,
        resolved_at as to_at
    from tickets
    where coalesce(states_from, '') <> 'events'

),

-- cut where the ticket went to another team or priority
pieces as (

    select
        runs.ticket_key,
        spans.team_key,
        spans.priority,
        tickets.channel,
        tickets.region,
        tickets.product_line,
        tickets.created_at,
        greatest(runs.from_at, spans.from_at) as from_at,
        case
            when runs.to_at is null or spans.to_at < runs.to_at then spans.to_at
            else runs.to_at
        end as to_at,
        case when spans.from_at <= runs.from_at then runs.is_first end as opens_first,
        coalesce(runs.to_at <= spans.to_at, runs.to_at is not null) as is_solved
    from runs
    inner join tickets on runs.ticket_key = tickets.ticket_key
    inner join {{ ref('int_ticket_span') }} as spans
        on runs.ticket_key = spans.ticket_key
        and coalesce(spans.to_at > runs.from_at, true)
        and (spans.from_at <= runs.from_at or coalesce(spans.from_at < runs.to_at, true))

),

aged as (

    select
        pieces.*,
        {%- for age, days in ages.items() %}
        greatest(pieces.from_at, {{ dbt.dateadd('day', 'as_of.' ~ age ~ '_days', 'pieces.created_at') }})
            as over_{{ days }}d_at,
        {%- endfor %}
        as_of.as_of,
        as_of.as_of_date
    from pieces
    cross join as_of

),

dated as (

    select
        *,
        {%- for days in ages.values() %}
        {{ local_date('over_' ~ days ~ 'd_at') }} as over_{{ days }}d_date,
        {%- endfor %}
        {{ local_date('from_at') }} as from_date,
        {{ local_date('to_at') }} as to_date
    from aged

),

events as (

    select
        {{ cell }},
        0 as over_1d,
        0 as over_3d,
        0 as over_7d,
        case when opens_first = 1 then 1 else 0 end as created,
        case when opens_first = 0 then 1 else 0 end as reopened,
        case when opens_first is null then 1 else 0 end as moved_in,
        0 as solved,
        0 as moved_out,
        from_date as date_day
    from dated
    union all
    select
        {{ cell }},
        {%- for days in ages.values() %}
        -- out of the ages that it had reached
        case when over_{{ days }}d_date < to_date then -1 else 0 end as over_{{ days }}d,
        {%- endfor %}
        0 as created,
        0 as reopened,
        0 as moved_in,
        case when is_solved then 1 else 0 end as solved,
        case when is_solved then 0 else 1 end as moved_out,
        to_date as date_day
    from dated
    where to_date <= as_of_date
    {%- for days in ages.values() %}
    union all
    select
        {{ cell }},
        {%- for other in ages.values() %}
        {{ 1 if other == days else 0 }} as over_{{ other }}d,
        {%- endfor %}
        0 as created,
        0 as reopened,
        0 as moved_in,
        0 as solved,
        0 as moved_out,
        over_{{ days }}d_date as date_day
    from dated
    where over_{{ days }}d_at <= as_of and coalesce(over_{{ days }}d_date < to_date, true)
    {%- endfor %}

),

reached as (

    select events.*
    from events
    cross join as_of
    where events.date_day <= as_of.as_of_date

),

changed as (

    select
        {{ cell }},
        {%- for flow in flows %}
        sum({{ flow }}) as {{ flow }},
        {%- endfor %}
        {%- for days in ages.values() %}
        sum(over_{{ days }}d) as over_{{ days }}d,
        {%- endfor %}
        date_day
    from reached
    group by {{ cell }}, date_day

),

summed as (

    select
        *,
        sum(created + reopened + moved_in - solved - moved_out) over (
            partition by {{ cell }} order by date_day rows unbounded preceding
        ) as closing,
        {%- for days in ages.values() %}
        sum(over_{{ days }}d) over (
            partition by {{ cell }} order by date_day rows unbounded preceding
        ) as open_over_{{ days }}d,
        {%- endfor %}
        lead(date_day) over (partition by {{ cell }} order by date_day) as next_date
    from changed

),

lasting as (

    select
        summed.*,
        as_of.as_of_date,
        -- the days until the next change, as long as something is open
        case
            when summed.closing > 0 then coalesce(summed.next_date, {{ add_days('as_of.as_of_date', 1) }})
            else {{ add_days('summed.date_day', 1) }}
        end as until_date
    from summed
    cross join as_of

),

filled as (

    select
        lasting.*,
        cast(days.day_at as date) as spine_date,
        cast(days.day_at as date) = lasting.date_day as is_change
    from lasting
    cross join {{ days_between(
        "greatest(lasting.date_day, cast('" ~ var("calendar_start_date") ~ "' as date))", 'lasting.until_date'
    ) }} as days (day_at)

),

counted as (

    select
        {{ cell }},
        spine_date as date_day,
        {%- for period in periods %}
        spine_date = least({{ period_end(period, 'spine_date') }}, as_of_date) as is_{{ period }}_end,
        {%- endfor %}
        {%- for flow in flows %}
        case when is_change then {{ flow }} else 0 end as {{ flow }},
        {%- endfor %}
        closing,
        open_over_1d,
        open_over_3d,
        open_over_7d
    from filled

),

final as (

    select
        {{ surrogate_key([
            "cast(date_day as " ~ dbt.type_string() ~ ")", "cast(team_key as " ~ dbt.type_string() ~ ")",
            "coalesce(priority, '')", "coalesce(channel, '')", "coalesce(region, '')", "coalesce(product_line, '')"
        ]) }} as backlog_key,
        date_day,
        {%- for period in periods %}
        is_{{ period }}_end,
        {%- endfor %}
        team_key,
        priority,
        channel,
        {{ code_key('channel', 'channel') }} as channel_key,
        region,
        {{ code_key('region', 'region') }} as region_key,
        product_line,
        cast(closing - created - reopened - moved_in + solved + moved_out as bigint) as opening,
        {%- for flow in flows %}
        cast({{ flow }} as bigint) as {{ flow }},
        {%- endfor %}
        cast(closing as bigint) as closing,
        cast(closing - open_over_1d as bigint) as open_0_1d,
        cast(open_over_1d - open_over_3d as bigint) as open_1_3d,
        cast(open_over_3d - open_over_7d as bigint) as open_3_7d,
        cast(open_over_7d as bigint) as open_over_7d
    from counted
    -- a change of nothing: only ages moved, and something was open all along
    where closing <> 0 or created + reopened + moved_in + solved + moved_out <> 0

)

select * from final
