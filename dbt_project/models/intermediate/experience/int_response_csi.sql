-- The satisfaction index of a response by every scene that holds at its time, whatever the scene asks of responses.
with

dimensions as (

    select * from {{ ref('int_response_dimension') }}

),

responses as (

    select
        response_key,
        weighted_date
    from {{ ref('int_response_placed') }}

),

scenes as (

    select
        scene_rank,
        min(valid_from) as valid_from,
        min(valid_to) as valid_to,
        max(coverage_min) as coverage_min
    from {{ ref('stg_csi_scene') }}
    group by scene_rank

),

weights as (

    select
        weight.scene,
        weight.scene_rank,
        weight.dimension,
        weight.weight,
        sum(weight.weight) over (partition by weight.scene_rank) as scene_weight,
        scenes.valid_from,
        scenes.valid_to,
        scenes.coverage_min
    from {{ ref('stg_csi_weight') }} as weight
    inner join scenes on weight.scene_rank = scenes.scene_rank

),

answered as (

    select
        dimensions.response_key,
        weights.scene,
        weights.scene_rank,
        max(weights.coverage_min) as coverage_min,
        max(weights.scene_weight) as scene_weight,
        sum(weights.weight) as answered_weight,
        {{ exact_sum('cast(weights.weight as double) * dimensions.dimension_pomp') }} as weighted_pomp
    from dimensions
    inner join responses on dimensions.response_key = responses.response_key
    inner join weights
        on dimensions.dimension = weights.dimension
        and (weights.valid_from is null or weights.valid_from <= responses.weighted_date)
        and (weights.valid_to is null or weights.valid_to >= responses.weighted_date)
    group by dimensions.response_key, weights.scene, weights.scene_rank

),

final as (

    select
        response_key,
        scene,
        scene_rank,
        cast(answered_weight as double) / cast(scene_weight as double) as csi_coverage,
        -- compared as the exact decimals that they are: 60 % by the file is 60 %
        case
            when answered_weight >= coverage_min * scene_weight
                then least(100.0, weighted_pomp / cast(answered_weight as double))
        end as csi_score
    from answered

)

select * from final
