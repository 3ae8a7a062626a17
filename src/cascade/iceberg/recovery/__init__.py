"""Rebuild a lost catalog from the metadata files of the warehouse."""

from cascade.iceberg.recovery.recover import Recovered as Recovered
from cascade.iceberg.recovery.recover import recover as recover
