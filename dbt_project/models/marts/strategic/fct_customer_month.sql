{% set grace = var('contract_grace_days') %}
{% set running = "over (
            partition by customers.customer_key order by months.month_start_date
            rows between unbounded preceding and current row
        )" %}

with months as (

    {{ month_spine() }}

),

contract_months as (

    select
        customer_key,
        month_start_date,
        max(is_counted and covers_first_day) as is_in_force_at_start,
        max(covers_first_day) as is_in_force_at_start_uncleaned,
        count(case when is_counted then 1 end) as contract_count
    from {{ ref('int_contract_month') }}
    group by customer_key, month_start_date

),

order_months as (

    select
        ordered.customer_key,
        {{ month_start('ordered.ordered_date') }} as month_start_date,
        min(ordered.ordered_date) as first_order_date,
        max(ordered.ordered_date) as last_order_date,
        count(distinct ordered.ordered_date) as order_day_count,
        count(*) as order_count
    from {{ ref('fct_order') }} as ordered
    cross join {{ ref('stg_as_of') }} as as_of
    where ordered.is_counted and ordered.customer_key <> 0 and ordered.ordered_date <= as_of.as_of_date
    group by ordered.customer_key, {{ month_start('ordered.ordered_date') }}

),

-- products under warranty, of assets whose installation is known
warranties as (

    select
        customer_key,
        installed_date as first_date,
        least(warranty_end_date, coalesce({{ add_days('retired_date', -1) }}, warranty_end_date)) as last_date
    from {{ ref('dim_asset') }}
    where customer_key <> 0 and is_counted and not is_deleted and warranty_end_date >= installed_date

),

warranty_months as (

    select
        warranties.customer_key,
        months.month_start_date,
        count(*) as asset_count
    from warranties
    inner join months
        on months.month_start_date <= warranties.last_date
        and months.reached_date >= warranties.first_date
    group by warranties.customer_key, months.month_start_date

),

left_out as (

    select distinct customer_key
    from {{ ref('int_contract_month') }}
    where not is_counted

),

-- `all`: with those that the gate took out, of whom has any; what begins after the as-of date decides nothing yet
stretches as (

    select 'counted' as form, customer_key, in_force_from_date, in_force_to_date
    from {{ ref('int_contract_in_force') }}
    union all
    select distinct 'all', month.customer_key, month.in_force_from_date, month.in_force_to_date
    from {{ ref('int_contract_month') }} as month
    inner join left_out on left_out.customer_key = month.customer_key

),

-- the last days after which a customer has no contract within grace, in any currency
endings as (

    select distinct
        contract.form,
        contract.customer_key,
        contract.in_force_to_date as churn_date,
        as_of.as_of_date < {{ add_days('contract.in_force_to_date', grace) }} as is_undecided
    from stretches as contract
    cross join {{ ref('stg_as_of') }} as as_of
    where
        contract.in_force_to_date <= as_of.as_of_date
        and not exists (
            select 1
            from stretches as other
            where
                other.form = contract.form
                and other.customer_key = contract.customer_key
                and other.in_force_to_date > contract.in_force_to_date
                and other.in_force_from_date <= {{ add_days('contract.in_force_to_date', grace) }}
        )

),

ending_months as (

    select
        form,
        customer_key,
        {{ month_start('churn_date') }} as month_start_date,
        max(is_undecided) as is_undecided,
        max(churn_date) as churn_date
    from endings
    group by form, customer_key, {{ month_start('churn_date') }}

),

customers as (

    select
        customer.customer_key,
        customer.first_purchase_date,
        least(customer.first_purchase_date, warranty.first_date) as first_date
    from {{ ref('dim_customer') }} as customer
    left join (
        select customer_key, min(first_date) as first_date from warranties group by customer_key
    ) as warranty
        on warranty.customer_key = customer.customer_key
    where customer.customer_key <> 0 and coalesce(customer.first_purchase_date, warranty.first_date) is not null

),

spine as (

    select
        customers.customer_key,
        customers.first_purchase_date,
        months.month_start_date,
        months.reached_date,
        coalesce(contract_months.is_in_force_at_start, false) as is_active_at_start,
        coalesce(contract_months.is_in_force_at_start_uncleaned, false) as is_active_at_start_uncleaned,
        coalesce(contract_months.contract_count, 0) as contract_count,
        coalesce(order_months.order_count, 0) as order_count,
        coalesce(warranty_months.asset_count, 0) as asset_count,
        min(order_months.first_order_date) {{ running }} as first_order_date,
        max(order_months.last_order_date) {{ running }} as last_order_date,
        sum(order_months.order_day_count) {{ running }} as order_day_count
    from customers
    inner join months
        on months.reached_date >= customers.first_date
    left join contract_months
        on contract_months.customer_key = customers.customer_key
        and contract_months.month_start_date = months.month_start_date
    left join order_months
        on order_months.customer_key = customers.customer_key
        and order_months.month_start_date = months.month_start_date
    left join warranty_months
        on warranty_months.customer_key = customers.customer_key
        and warranty_months.month_start_date = months.month_start_date

),

spanned as (

    select
        spine.*,
        {{ dbt.datediff('spine.first_order_date', 'spine.last_order_date', 'day') }} as buying_days
    from spine

),

-- the mean of the own intervals between days of orders, once there are enough of them to speak of a rhythm
rhythms as (

    select
        spine.*,
        case
            when spine.order_day_count > {{ var('silence_min_intervals') }}
                then cast(spine.buying_days as double) / (spine.order_day_count - 1)
        end as order_interval_days,
        {{ dbt.datediff('spine.last_order_date', 'spine.reached_date', 'day') }} as silent_days
    from spanned as spine

),

silences as (

    select
        rhythms.*,
        rhythms.silent_days > {{ var('silent_after_intervals') }} * rhythms.order_interval_days as is_silent
    from rhythms

),

final as (

    select
        {{ surrogate_key([
            "cast(spine.customer_key as " ~ dbt.type_string() ~ ")",
            "cast(spine.month_start_date as " ~ dbt.type_string() ~ ")"
        ]) }} as customer_month_key,
        spine.customer_key,
        customer_version.customer_version_key,
        coalesce(first_product.product_key, 0) as product_key,
        spine.month_start_date,
        spine.reached_date,
        spine.contract_count > 0
        or spine.asset_count > 0
        or coalesce(
            spine.last_order_date >= {{ add_days('spine.month_start_date', -var('active_order_days')) }}, false
        ) as is_active,
        spine.is_active_at_start,
        case
            when ending_months.is_undecided then null
            when ending_months.churn_date is not null then true
            when spine.contract_count > 0 then false
        end as is_churned,
        spine.is_active_at_start_uncleaned,
        case
            when not coalesce(all_ending_months.is_undecided, false) then all_ending_months.churn_date is not null
        end as is_churned_uncleaned,
        coalesce(not ending_months.is_undecided, true) as is_mature,
        case when not ending_months.is_undecided then ending_months.churn_date end as churn_date,
        spine.first_purchase_date >= {{ add_days('spine.month_start_date', -var('new_customer_days')) }}
            as is_new_customer,
        spine.contract_count,
        spine.order_count,
        spine.asset_count,
        spine.order_interval_days,
        lag(spine.is_silent) over (partition by spine.customer_key order by spine.month_start_date)
            as is_silent_at_start,
        spine.is_silent
    from silences as spine
    left join ending_months
        on ending_months.customer_key = spine.customer_key
        and ending_months.month_start_date = spine.month_start_date
        and ending_months.form = 'counted'
    left join left_out
        on left_out.customer_key = spine.customer_key
    left join ending_months as all_ending_months
        on all_ending_months.customer_key = spine.customer_key
        and all_ending_months.month_start_date = spine.month_start_date
        and all_ending_months.form = case when left_out.customer_key is null then 'counted' else 'all' end
    left join {{ ref('int_customer_first_product') }} as first_product
        on first_product.customer_key = spine.customer_key
    {{ customer_version_join('spine.customer_key', local_midnight('spine.month_start_date')) }}

)

select * from final
