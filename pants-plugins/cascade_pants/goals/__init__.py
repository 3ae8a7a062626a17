"""The goals, and what Cascade adds to those of Pants."""
