with months as (

    {{ month_spine() }}

),

-- an end is dated on the last day, unless the amount goes on from the next; an undecided one has not happened yet
changes as (

    select
        contract.customer_key,
        contract.currency,
        contract.in_force_from_date as change_date,
        contract.monthly_amount as delta
    from {{ ref('int_contract_in_force') }} as contract
    where contract.is_recurring
    union all
    select
        contract.customer_key,
        contract.currency,
        case
            when contract.outcome = 'continued' then {{ add_days('contract.in_force_to_date', 1) }}
            else contract.in_force_to_date
        end,
        -contract.monthly_amount
    from {{ ref('int_contract_in_force') }} as contract
    where contract.is_recurring and contract.outcome in ('continued', 'reduced', 'ended')

),

daily as (

    select
        changes.customer_key,
        changes.currency,
        changes.change_date,
        sum(changes.delta) as delta,
        sum(sum(changes.delta)) over (
            partition by changes.customer_key, changes.currency order by changes.change_date
            rows between unbounded preceding and current row
        ) as amount_after
    from changes
    cross join {{ ref('stg_as_of') }} as as_of
    where changes.change_date <= as_of.as_of_date
    group by changes.customer_key, changes.currency, changes.change_date

),

kinds as (

    select
        customer_key,
        currency,
        change_date,
        delta,
        case
            when delta = 0 then 'none'
            when amount_after = 0 then 'churned'
            when amount_after > delta then case when delta > 0 then 'expansion' else 'contraction' end
            when row_number() over (partition by customer_key, currency order by change_date) = 1 then 'new'
            else 'reactivated'
        end as movement
    from daily

),

monthly as (

    select
        customer_key,
        currency,
        {{ month_start('change_date') }} as month_start_date,
        {%- for movement in ['new', 'expansion', 'contraction', 'churned', 'reactivated'] %}
        sum(case when movement = '{{ movement }}' then delta else 0 end) as {{ movement }},
        {%- endfor %}
        sum(delta) as change
    from kinds
    group by customer_key, currency, {{ month_start('change_date') }}

),

-- what holds at the end of a month of changes does so until the next one
closed as (

    select
        *,
        sum(change) over (
            partition by customer_key, currency order by month_start_date
            rows between unbounded preceding and current row
        ) as closing,
        lead(month_start_date) over (partition by customer_key, currency order by month_start_date) as next_month_date
    from monthly

),

undecided as (

    select customer_key, currency, min({{ month_start('in_force_to_date') }}) as undecided_month_date
    from {{ ref('int_contract_in_force') }}
    where outcome = 'undecided' and is_recurring
    group by customer_key, currency

),

running as (

    select
        closed.customer_key,
        closed.currency,
        months.month_start_date,
        {%- for amount in ['new', 'expansion', 'contraction', 'churned', 'reactivated', 'change'] %}
        case when months.month_start_date = closed.month_start_date then closed.{{ amount }} else 0 end as {{ amount }},
        {%- endfor %}
        closed.closing
    from closed
    inner join months
        on months.month_start_date >= closed.month_start_date
        and (months.month_start_date < closed.next_month_date or closed.next_month_date is null)

),

final as (

    select
        {{ surrogate_key([
            "cast(running.customer_key as " ~ dbt.type_string() ~ ")",
            "cast(running.month_start_date as " ~ dbt.type_string() ~ ")",
            "running.currency"
        ]) }} as contract_movement_key,
        running.customer_key,
        customer_version.customer_version_key,
        coalesce(first_product.product_key, 0) as product_key,
        running.month_start_date,
        running.currency,
        {%- for amount in ['running.closing - running.change', 'running.new', 'running.expansion',
            'running.contraction', 'running.churned', 'running.reactivated', 'running.closing'] %}
        cast({{ amount }} as decimal(18, 4)) as {{ "opening" if loop.first else amount.split('.')[1] }},
        {%- endfor %}
        currency_rate.rate as currency_rate,
        undecided.undecided_month_date is null
        or running.month_start_date < undecided.undecided_month_date as is_mature
    from running
    left join undecided
        on undecided.customer_key = running.customer_key
        and undecided.currency = running.currency
    left join {{ ref('int_customer_first_product') }} as first_product
        on first_product.customer_key = running.customer_key
    {{ currency_rate_join('running.currency', 'running.month_start_date') }}
    {{ customer_version_join('running.customer_key', local_midnight('running.month_start_date')) }}
    where
        running.closing <> 0
        or running.closing - running.change <> 0
        or running.new <> 0
        or running.reactivated <> 0

)

select * from final
