with

teams as (

    select * from {{ ref('dim_team') }}

),

schedules as (

    select * from {{ ref('stg_team_schedule') }}

),

final as (

    select
        teams.team_key,
        -- the calendars name teams by their id, in whatever key space it is
        coalesce(schedules.schedule, 'default') as schedule
    from teams
    left join schedules on teams.team_id = schedules.team_id

)

select * from final
