"""New files in a project: what `init` and `create-workflow` write."""
