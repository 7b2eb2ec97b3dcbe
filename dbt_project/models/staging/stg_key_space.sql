select * from {{ source('control', 'key_space') }}
