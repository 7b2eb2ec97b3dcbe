with codes as (

    select channel from {{ ref('channel') }}
    {%- for entity in ['ticket', 'order', 'survey_invitation', 'survey_response', 'follow_up'] %}
    union
    select channel from {{ ref('stg_' ~ entity) }} where channel is not null
    {%- endfor %}
    union
    select platform from {{ ref('stg_review') }} where platform is not null

),

final as (

    select
        {{ code_key('channel', 'codes.channel') }} as channel_key,
        codes.channel,
        known.channel_group,
        known.label_en,
        known.label_zh,
        known.channel is not null as is_known
    from codes
    left join {{ ref('channel') }} as known
        on known.channel = codes.channel
    union all
    select 0, null, null, null, null, false

)

select * from final
