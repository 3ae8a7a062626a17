"""Printing for people and for scripts, and asking people."""
