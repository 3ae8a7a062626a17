"""Build files of a dbt project in a throwaway lakehouse, and run their tests: what `pants test` starts.

`python -m cascade.testing.dbt_batch REQUEST` reads the request from a file; `request.py` describes it.
"""
