"""Starts the product's processes, keeps them running and ends them together."""
