select
    faa as airport_code,
    name as airport,
    lat as latitude,
    lon as longitude
from {{ source('raw', 'airports') }}
