select * from {{ source('control', 'snapshot_batch') }}
