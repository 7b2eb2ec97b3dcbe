select * from {{ source('control', 'rule') }}
