"""Erase rows from every state of a table, and from its files."""

from cascade.iceberg.erasing.condition import Condition as Condition
from cascade.iceberg.erasing.condition import condition_of as condition_of
from cascade.iceberg.erasing.condition import refused_condition_of as refused_condition_of
from cascade.iceberg.erasing.erase import Erased as Erased
from cascade.iceberg.erasing.erase import erase as erase
from cascade.iceberg.erasing.erase import preview as preview
