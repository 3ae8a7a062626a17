"""Read the declarations of workflows from source, without importing it.

It uses only the standard library and relative imports, and runs on CPython 3.9 to 3.14: the Pants backend ships its own
copy of this package, so both wheels can be installed in one environment.
"""
