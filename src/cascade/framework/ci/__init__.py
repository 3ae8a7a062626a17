"""`cascade ci`: run what a change affects on branches of production's tables, and summarize what differs."""
