select * from {{ source('control', 'sampling_purpose') }}
