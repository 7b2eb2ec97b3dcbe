{% set attributes = ['tier', 'customer_type', 'region', 'industry', 'acquired_date', 'stated_status'] %}

with records as (

    select
        customer_record_key,
        customer_key,
        customer_id,
        -- the customer's own record first, then the more trusted key spaces
        row_number() over (
            partition by customer_key
            order by
                case when customer_record_key = customer_key then 0 else 1 end,
                key_space_rank,
                customer_record_key
        ) as record_order
    from {{ ref('int_customer_resolved') }}

),

versions_of_records as (
    {{ versions_in_time('customer', attributes) }}
),

record_versions as (

    select
        records.customer_key,
        records.record_order,
        {%- for attribute in attributes %}
        version.{{ attribute }},
        {%- endfor %}
        version.valid_from,
        version.valid_to
    from versions_of_records as version
    inner join records
        on records.customer_record_key = version.customer_record_key

),

moments as (

    select customer_key, valid_from from record_versions
    union
    select customer_key, timestamp '1900-01-01' from records

),

merged as (

    select
        moments.customer_key,
        {%- for attribute in attributes %}
        {{ first_delivered('held.' ~ attribute, 'held.record_order') }} as {{ attribute }},
        {%- endfor %}
        moments.valid_from
    from moments
    left join record_versions as held
        on held.customer_key = moments.customer_key
        and held.valid_from <= moments.valid_from
        and held.valid_to > moments.valid_from
    group by moments.customer_key, moments.valid_from

),

compared as (

    select
        merged.*,
        row_number() over (partition by customer_key order by valid_from) = 1
        {%- for attribute in attributes %}
        or (
            {{ attribute }} is distinct from lag({{ attribute }}) over (partition by customer_key order by valid_from)
        )
        {%- endfor %} as is_changed
    from merged

),

versions as (

    select
        customer_key,
        {%- for attribute in attributes %}
        {{ attribute }},
        {%- endfor %}
        valid_from,
        coalesce(
            lead(valid_from) over (partition by customer_key order by valid_from),
            timestamp '9999-12-31'
        ) as valid_to
    from compared
    where is_changed

),

final as (

    select
        {{ surrogate_key([
            "cast(versions.customer_key as " ~ dbt.type_string() ~ ")",
            "cast(versions.valid_from as " ~ dbt.type_string() ~ ")"
        ]) }} as customer_version_key,
        versions.customer_key,
        records.customer_id,
        {%- for attribute in attributes %}
        versions.{{ attribute }},
        {%- endfor %}
        versions.valid_from,
        versions.valid_to,
        versions.valid_to = timestamp '9999-12-31' as is_current
    from versions
    inner join records
        on records.customer_record_key = versions.customer_key
    union all
    select
        0, 0, null,
        {%- for attribute in attributes %}
        null,
        {%- endfor %}
        timestamp '1900-01-01', timestamp '9999-12-31', true

)

select * from final
