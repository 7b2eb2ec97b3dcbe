select * from {{ source('control', 'sla_policy') }}
