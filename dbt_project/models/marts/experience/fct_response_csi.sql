with

indices as (

    select * from {{ ref('int_response_csi') }}

),

responses as (

    select * from {{ ref('fct_survey_response') }}

),

scene_names as (

    select
        scene_rank,
        min(name_en) as name_en,
        min(name_zh) as name_zh
    from {{ ref('stg_csi_scene') }}
    group by scene_rank

),

final as (

    select
        {{ surrogate_key([
            "cast(indices.response_key as " ~ dbt.type_string() ~ ")",
            "cast(indices.scene_rank as " ~ dbt.type_string() ~ ")"
        ]) }} as response_csi_key,
        indices.response_key,
        indices.scene,
        scene_names.name_en as scene_name_en,
        scene_names.name_zh as scene_name_zh,
        coalesce(indices.scene = responses.csi_scene, false) as is_own_scene,
        responses.source,
        responses.batch_id,
        responses.survey_key,
        responses.purpose,
        responses.customer_key,
        responses.customer_version_key,
        responses.product_key,
        responses.channel_key,
        responses.submitted_date,
        indices.csi_score,
        indices.csi_coverage,
        responses.is_counted
    from indices
    inner join responses on indices.response_key = responses.response_key
    inner join scene_names on indices.scene_rank = scene_names.scene_rank

)

select * from final
