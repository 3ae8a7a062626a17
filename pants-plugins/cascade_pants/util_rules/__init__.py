"""What the goals and the dependency inference share."""
