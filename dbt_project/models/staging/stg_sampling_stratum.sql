select * from {{ source('control', 'sampling_stratum') }}
