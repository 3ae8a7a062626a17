"""Write new files in a project, for `init` and `create-workflow`."""
