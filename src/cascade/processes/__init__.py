"""Start, watch and stop the child processes of `dev` and `test`."""
