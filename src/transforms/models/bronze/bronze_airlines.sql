select
    carrier as airline_code,
    name as airline
from {{ source('raw', 'airlines') }}
