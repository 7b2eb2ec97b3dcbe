with months as (

    {{ month_spine() }}

),

stated as (

    {{ stated_contracts() }}

),

contracts as (

    select
        customer_key,
        currency,
        start_date,
        monthly_amount,
        monthly_cost,
        in_force_from_date,
        in_force_to_date,
        true as is_counted
    from {{ ref('int_contract_in_force') }}
    union all
    -- those that the gate took out, by their own days: they renew nothing
    select
        customer_key,
        currency,
        start_date,
        monthly_amount,
        monthly_cost,
        start_date as in_force_from_date,
        last_date as in_force_to_date,
        is_counted
    from stated
    where not is_counted

),

in_force as (

    select
        contract.customer_key,
        contract.is_counted,
        contract.in_force_from_date,
        contract.in_force_to_date,
        contract.currency,
        contract.start_date,
        contract.monthly_amount,
        contract.monthly_cost,
        months.month_start_date,
        contract.in_force_from_date <= months.month_start_date as covers_first_day,
        {{ dbt.datediff('months.month_start_date', 'months.month_end_date', 'day') }} + 1 as month_days,
        {{ dbt.datediff(
            'greatest(contract.in_force_from_date, months.month_start_date)',
            'least(contract.in_force_to_date, months.reached_date)',
            'day'
        ) }} + 1 as elapsed_days
    from contracts as contract
    inner join months
        on months.month_start_date <= contract.in_force_to_date
        and months.reached_date >= contract.in_force_from_date

),

-- rounded per contract, so that sums are exact in any order
final as (

    select
        customer_key,
        is_counted,
        currency,
        start_date,
        in_force_from_date,
        in_force_to_date,
        month_start_date,
        covers_first_day,
        elapsed_days,
        cast(round(cast(monthly_amount * elapsed_days as double) / month_days, 4) as decimal(18, 4)) as revenue,
        cast(
            round(cast((monthly_amount - monthly_cost) * elapsed_days as double) / month_days, 4) as decimal(18, 4)
        ) as margin
    from in_force

)

select * from final
