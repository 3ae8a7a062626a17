"""Workflows from projects of dlt, Dagster and Meltano, as far as these can be read without running them."""
