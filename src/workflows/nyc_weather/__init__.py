"""Hourly weather at New York's three airports in 2013, from recorded data or a public API."""
