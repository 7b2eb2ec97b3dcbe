select * from {{ source('control', 'calendar_piece') }}
