"""Child processes: what `dev` and `test` start, watch and stop."""
