select * from {{ source('control', 'decision') }}
