"""The daily job that keeps the tables of a project fast and small."""
