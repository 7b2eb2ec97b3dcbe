select * from {{ source('control', 'check_result') }}
