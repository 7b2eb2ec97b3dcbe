-- Per entity: clean rows = current + superseded + deleted keys, and no row without a key. Returns entities that fail.
{% for entity, own in entity_keys().items() %}
select
    '{{ entity }}' as entity,
    versions.row_count,
    versions.keyless_count,
    coalesce(keys.current_count, 0) as current_count,
    coalesce(keys.superseded_count, 0) as superseded_count,
    coalesce(keys.deleted_count, 0) as deleted_count
from (
    select count(*) as row_count, count(case when {{ own.key }} = 0 then 1 end) as keyless_count
    from {{ ref('stg_' ~ entity ~ '_version') }}
) as versions
cross join (
    select
        count(case when not is_deleted then 1 end) as current_count,
        sum(version_count - 1) as superseded_count,
        count(case when is_deleted then 1 end) as deleted_count
    from {{ ref('stg_' ~ entity) }}
) as keys
where
    versions.keyless_count > 0
    or versions.row_count
    <> coalesce(keys.current_count, 0) + coalesce(keys.superseded_count, 0) + coalesce(keys.deleted_count, 0)
{{ "union all" if not loop.last }}
{% endfor %}
