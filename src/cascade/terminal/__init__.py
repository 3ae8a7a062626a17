"""Printing for people and for scripts, and questions to the user."""
