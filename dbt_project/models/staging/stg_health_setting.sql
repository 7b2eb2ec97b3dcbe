select * from {{ source('control', 'health_setting') }}
