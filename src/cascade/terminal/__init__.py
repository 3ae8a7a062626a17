"""Print for users and for scripts, and ask the user questions."""
