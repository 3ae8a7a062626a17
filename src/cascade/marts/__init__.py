"""Marts: tables in PostgreSQL that have the rows of a query of DuckDB.

A mart changes in one transaction. Readers see its old rows until that commits, and its new rows from then on; they
never wait, unless the columns of the mart change.
"""
