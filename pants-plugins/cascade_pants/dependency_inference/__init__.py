"""Dependencies that no BUILD file has to name."""
