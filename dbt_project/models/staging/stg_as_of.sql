select * from {{ source('control', 'as_of') }}
