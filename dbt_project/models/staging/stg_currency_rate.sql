select * from {{ source('control', 'currency_rate') }}
