"""Measurements by hand, `make bench`: never collected by pytest, reported in docs/reports."""
