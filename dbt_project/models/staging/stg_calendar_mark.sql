select * from {{ source('control', 'calendar_mark') }}
