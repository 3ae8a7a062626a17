"""The checks of `cascade doctor`. Each is a function that returns one or more findings."""
