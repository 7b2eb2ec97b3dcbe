select * from {{ source('control', 'health_item') }}
