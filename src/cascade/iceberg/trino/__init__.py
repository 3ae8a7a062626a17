"""Merges that Trino carries out, past what one machine does well.

Trino's own `MERGE` would commit to the table beside the ledger, the checks and the audit branch. So it merges into a
hidden copy of the table, whose data files are written where those of the table are. The run then publishes these files
with a commit of its own, like files that it has written itself, and drops the copy.
"""
