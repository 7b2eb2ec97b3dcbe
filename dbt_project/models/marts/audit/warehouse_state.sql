with final as (

    select
        as_of,
        as_of_date,
        time_zone,
        currency,
        run_number,
        is_complete,
        missing_sources
    from {{ ref('stg_as_of') }}

)

select * from final
