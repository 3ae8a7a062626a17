"""The checks of `cascade doctor`: each a function that gives a finding, or several."""
