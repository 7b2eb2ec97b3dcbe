select * from {{ source('control', 'team_schedule') }}
