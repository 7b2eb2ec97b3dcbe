select * from {{ source('control', 'csi_scene') }}
