"""How `cascade.testing.conformance` tests a catalog: runs that are killed and that race, against a model."""
