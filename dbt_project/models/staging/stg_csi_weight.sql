select * from {{ source('control', 'csi_weight') }}
