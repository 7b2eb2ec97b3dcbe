with

visits as (

    select * from {{ ref('stg_visit') }}
    where not is_deleted

),

tickets as (

    select * from {{ ref('fct_ticket') }}

),

assets as (

    select * from {{ ref('dim_asset') }}

),

customers as (

    select * from {{ ref('int_customer_resolved') }}

),

as_of as (

    select as_of from {{ ref('stg_as_of') }}

),

-- whom and what a visit is for: its own word, else that of its ticket, else that of its asset
placed as (

    select
        visits.*,
        as_of.as_of,
        coalesce(nullif(visits.asset_key, 0), tickets.asset_key, 0) as placed_asset_key,
        coalesce(nullif(visits.agent_key, 0), tickets.agent_key, 0) as placed_agent_key,
        coalesce(nullif(visits.service_partner_key, 0), tickets.service_partner_key, 0) as placed_service_partner_key,
        coalesce(nullif(customers.customer_key, 0), tickets.customer_key, 0) as placed_customer_key,
        coalesce(tickets.product_key, 0) as ticket_product_key,
        coalesce(tickets.team_key, 0) as team_key,
        tickets.issue_type
    from visits
    cross join as_of
    left join tickets on visits.ticket_key = tickets.ticket_key
    left join customers on visits.customer_record_key = customers.customer_record_key

),

joined as (

    select
        placed.*,
        coalesce(nullif(placed.placed_customer_key, 0), assets.customer_key, 0) as customer_key,
        coalesce(nullif(placed.ticket_product_key, 0), assets.product_key, 0) as product_key,
        coalesce(placed.region, assets.region) as placed_region,
        coalesce(placed.outcome, '') = 'cancelled' as is_cancelled,
        {{ is_arrival('placed') }} as is_arrival,
        -- the version of the customer that held then; one without any time is known as it is now
        coalesce(placed.arrived_at, placed.promised_from, placed.promised_to, placed.as_of) as placed_at
    from placed
    left join assets on placed.placed_asset_key = assets.asset_key

),

final as (

    select
        joined.visit_key,
        joined.visit_id,
        joined.source,
        joined.batch_id,
        joined.ticket_key,
        joined.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        joined.product_key,
        joined.placed_asset_key as asset_key,
        joined.placed_agent_key as agent_key,
        joined.team_key,
        joined.placed_service_partner_key as service_partner_key,
        joined.placed_region as region,
        {{ code_key('region', 'joined.placed_region') }} as region_key,
        joined.issue_type,
        {{ code_key('issue_type', 'joined.issue_type') }} as issue_type_key,
        joined.promised_from,
        joined.promised_to,
        joined.arrived_at,
        {{ local_date('joined.arrived_at') }} as arrived_date,
        joined.finished_at,
        -- the day that a visit belongs to, also one at which nobody came
        {{ local_date('coalesce(joined.arrived_at, joined.promised_from, joined.promised_to)') }} as visit_date,
        case
            when joined.finished_at >= joined.arrived_at
                then cast({{ minutes_between('joined.arrived_at', 'joined.finished_at') }} as double)
        end as visit_minutes,
        joined.outcome,
        joined.another_visit_reason,
        joined.is_cancelled,
        case
            when joined.is_arrival
                then row_number() over (
                    partition by joined.ticket_key, joined.is_arrival order by joined.arrived_at, joined.visit_key
                )
        end as arrival_number,
        case
            when joined.is_cancelled or joined.promised_to is null or joined.promised_to < joined.promised_from
                then null
            when joined.arrived_at is not null
                then joined.arrived_at <= joined.promised_to
                and coalesce(joined.arrived_at >= joined.promised_from, true)
            -- nobody came, and the window is over
            when joined.promised_to < joined.as_of then false
        end as is_on_time,
        joined.is_counted
    from joined
    {{ customer_version_join('joined.customer_key', 'joined.placed_at') }}

)

select * from final
