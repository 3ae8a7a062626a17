"""Declarations of workflows, read from source text without importing it.

Standard library only, valid on CPython 3.9 to 3.14, and relative imports alone: the Pants backend ships its own copy of
this package, so that both wheels fit into one environment.
"""
