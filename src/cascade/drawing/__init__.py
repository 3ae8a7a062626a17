"""Draw the graph of a project: its workflows and their tables, dbt models and marts, and what reads what.

`describe` makes a graph of what the source shows, `page`, `svg` and `mermaid` write it. It uses only the standard
library, the reader and relative imports, and runs on CPython 3.9 to 3.14: the Pants backend ships its own copy.
"""
