"""What the two example domains share: New York's airports, and how recorded data is read."""
