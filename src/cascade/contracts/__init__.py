"""Contracts: what the readers of a table rely on, in a file that is committed beside the workflow.

`declared` makes the contract that a workflow declares now, `files` writes and reads the file, `differences` compares
the two, and `readers` finds who reads the table. `review` puts them together for `cascade contracts`, and
`contributor` for `cascade validate`.
"""
