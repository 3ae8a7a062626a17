"""Hourly weather at New York's three airports in 2013, recorded or from a public API."""
