"""A production-like stack on loopback: PostgreSQL, SeaweedFS and Trino as processes of this machine."""
