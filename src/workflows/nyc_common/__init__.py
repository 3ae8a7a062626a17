"""Code shared by the two example domains: New York's airports, and the reader of recorded data."""
