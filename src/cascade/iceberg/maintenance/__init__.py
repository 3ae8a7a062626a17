"""Keep tables fast and small, beside their writers and readers (G7)."""

from cascade.iceberg.maintenance.orphans import table_locations as table_locations
from cascade.iceberg.maintenance.table_maintenance import Maintained as Maintained
from cascade.iceberg.maintenance.table_maintenance import maintain_table as maintain_table
