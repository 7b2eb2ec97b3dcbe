{#
  Every version of an entity's records, with `columns`, and the time in which it held: from its change time, the first one
  from 1900. Of versions with one change time the last delivered holds. A version without a change time holds from the
  night that its delivery speaks of, or, beside versions that have one, before them. `among`, a query of keys, leaves out
  all others.
#}
{% macro versions_in_time(entity, columns, among=none) %}
{% set key = entity_keys()[entity].key %}
    select
        {{ key }},
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        case
            when row_number() over (partition by {{ key }} order by changed_at) = 1 then timestamp '1900-01-01'
            else changed_at
        end as valid_from,
        coalesce(
            lead(changed_at) over (partition by {{ key }} order by changed_at), timestamp '9999-12-31'
        ) as valid_to
    from (
        select
            *,
            row_number() over (
                partition by {{ key }}, changed_at
                order by batch_order desc, gate_no desc, delivered_row desc, row_id desc
            ) as choice
        from (
            select
                {{ key }},
                {%- for column in columns %}
                {{ column }},
                {%- endfor %}
                batch_order,
                gate_no,
                version.row_number as delivered_row,
                row_id,
                case
                    when updated_at is not null then updated_at
                    when count(updated_at) over (partition by {{ key }}) > 0 then timestamp '1900-01-01'
                    else night
                end as changed_at
            from {{ ref('stg_' ~ entity ~ '_version') }} as version
            {%- if among %}
            where version.{{ key }} in ({{ among }})
            {%- endif %}
        ) as timed
    ) as numbered
    where choice = 1
{% endmacro %}
