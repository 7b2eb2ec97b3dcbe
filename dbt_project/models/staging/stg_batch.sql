select * from {{ source('control', 'batch') }}
