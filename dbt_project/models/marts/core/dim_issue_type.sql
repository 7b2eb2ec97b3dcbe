with codes as (

    select distinct issue_type from {{ ref('stg_ticket') }} where issue_type is not null

),

final as (

    select
        {{ code_key('issue_type', 'issue_type') }} as issue_type_key,
        issue_type
    from codes
    union all
    select 0, null

)

select * from final
