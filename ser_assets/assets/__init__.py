"""Thin Dagster assets and their checks: read, call, describe."""
