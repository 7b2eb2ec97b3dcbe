{# Ranks are few and each needs the customers of all ranks before it, so the steps are written out. #}
{% set last_rank = key_space_count() + 1 %}

with recursive mentions as (

    select customer_record_key, customer_id, customer_id_space, true as is_delivered
    from {{ ref('stg_customer') }}
    union all
    select customer_record_key, customer_id, customer_id_space, true
    from {{ ref('stg_customer_identity') }}
    union all
    select merged_into_customer_record_key, merged_into_customer_id, merged_into_customer_id_space, false
    from {{ ref('stg_customer') }}
    {%- for entity in [
        'contract', 'order', 'ticket', 'survey_invitation', 'survey_response', 'visit', 'follow_up', 'review', 'asset', 'usage',
    ] %}
    union all
    select customer_record_key, customer_id, customer_id_space, false
    from {{ ref('stg_' ~ entity) }}
    {%- endfor %}

),

records as (

    select
        mentions.customer_record_key,
        min(mentions.customer_id) as record_id,
        min(mentions.customer_id_space) as key_space,
        not max(mentions.is_delivered) as is_inferred,
        coalesce(min(spaces.key_space_rank), {{ last_rank }}) as key_space_rank
    from mentions
    left join {{ ref('stg_key_space') }} as spaces
        on spaces.key_space = mentions.customer_id_space
    where mentions.customer_record_key <> 0
    group by mentions.customer_record_key

),

merge_links as (

    select customer_record_key, merged_into_customer_record_key as survivor_key
    from {{ ref('stg_customer') }}
    where merged_into_customer_record_key not in (0, customer_record_key)

),

merge_steps as (

    select customer_record_key, survivor_key, 1 as depth
    from merge_links
    union all
    select merge_steps.customer_record_key, merge_links.survivor_key, merge_steps.depth + 1
    from merge_steps
    inner join merge_links
        on merge_links.customer_record_key = merge_steps.survivor_key
    where merge_steps.depth < {{ var('customer_merge_depth') }}

),

-- the end of each chain; a ring has none, its records stay apart
survivors as (

    select merge_steps.customer_record_key, merge_steps.survivor_key
    from merge_steps
    left join merge_links
        on merge_links.customer_record_key = merge_steps.survivor_key
    where merge_links.customer_record_key is null

),

rooted as (

    select
        records.customer_record_key,
        coalesce(survivors.survivor_key, records.customer_record_key) as root_key
    from records
    left join survivors
        on survivors.customer_record_key = records.customer_record_key

),

roots as (

    select customer_record_key as root_key, key_space_rank
    from records
    where customer_record_key in (select rooted.root_key from rooted)

),

-- what a record is known by; its own id is the external id by which others know it
described as (

    select customer_record_key, 1 as method_rank, cast(customer_record_key as {{ dbt.type_string() }}) as identifier
    from records
    union all
    select customer_record_key, 1, cast(external_customer_record_key as {{ dbt.type_string() }})
    from {{ ref('stg_customer_identity') }}
    where external_customer_record_key <> 0 and not is_deleted
    {%- for method_rank, hash in [(2, 'email_hash'), (3, 'phone_hash')] %}
    union all
    select customer_record_key, {{ method_rank }}, {{ hash }}
    from {{ ref('stg_customer') }}
    where {{ hash }} is not null
    union all
    select customer_record_key, {{ method_rank }}, {{ hash }}
    from {{ ref('stg_customer_identity') }}
    where {{ hash }} is not null and not is_deleted
    {%- endfor %}

),

identifiers as (

    select distinct
        rooted.root_key,
        roots.key_space_rank,
        described.method_rank,
        described.identifier
    from described
    inner join rooted
        on rooted.customer_record_key = described.customer_record_key
    inner join roots
        on roots.root_key = rooted.root_key

),

resolved_1 as (

    select root_key, root_key as customer_key, 'self' as match_method
    from roots
    where key_space_rank = 1

),
{% for rank in range(2, last_rank + 1) %}
known_{{ rank }} as (

    select
        identifiers.method_rank,
        identifiers.identifier,
        min(resolved.customer_key) as lowest_key,
        max(resolved.customer_key) as highest_key
    from identifiers
    inner join (
        {%- for earlier in range(1, rank) %}
        select root_key, customer_key from resolved_{{ earlier }}
        {{- " union all" if not loop.last }}
        {%- endfor %}
    ) as resolved
        on resolved.root_key = identifiers.root_key
    group by identifiers.method_rank, identifiers.identifier

),

-- a method that finds several customers joins nothing
found_{{ rank }} as (

    select
        identifiers.root_key,
        identifiers.method_rank,
        min(known.lowest_key) as customer_key,
        row_number() over (partition by identifiers.root_key order by identifiers.method_rank) as choice
    from identifiers
    inner join known_{{ rank }} as known
        on known.method_rank = identifiers.method_rank
        and known.identifier = identifiers.identifier
    where identifiers.key_space_rank = {{ rank }}
    group by identifiers.root_key, identifiers.method_rank
    having min(known.lowest_key) = max(known.highest_key)

),

resolved_{{ rank }} as (

    select
        roots.root_key,
        coalesce(found.customer_key, roots.root_key) as customer_key,
        case found.method_rank
            when 1 then 'external_id'
            when 2 then 'email'
            when 3 then 'phone'
            else 'none'
        end as match_method
    from roots
    left join found_{{ rank }} as found
        on found.root_key = roots.root_key
        and found.choice = 1
    where roots.key_space_rank = {{ rank }}

),
{% endfor %}
resolved as (
    {% for rank in range(1, last_rank + 1) %}
    select root_key, customer_key, match_method from resolved_{{ rank }}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}

),

final as (

    select
        records.customer_record_key,
        records.record_id,
        records.key_space,
        records.key_space_rank,
        records.is_inferred,
        resolved.customer_key,
        customers.record_id as customer_id,
        customers.key_space as customer_key_space,
        case
            when rooted.root_key <> records.customer_record_key then 'merged'
            else resolved.match_method
        end as match_method
    from records
    inner join rooted
        on rooted.customer_record_key = records.customer_record_key
    inner join resolved
        on resolved.root_key = rooted.root_key
    inner join records as customers
        on customers.customer_record_key = resolved.customer_key

)

select * from final
