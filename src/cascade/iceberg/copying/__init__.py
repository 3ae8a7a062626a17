"""Copy tables from one lakehouse to another, with the ledger of their partitions."""

from cascade.iceberg.copying.copy import copy_table as copy_table
from cascade.iceberg.copying.plan import PlannedCopy as PlannedCopy
from cascade.iceberg.copying.plan import plan_copy as plan_copy
