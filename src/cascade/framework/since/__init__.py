"""What the changes since a commit affect in a project without Pants."""
