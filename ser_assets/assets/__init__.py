"""Thin Dagster assets and their checks: read, call, describe.

Computation belongs to `audio`, `learning`, `reporting` and `serving`. `by_actor` holds what partitioned assets share,
`training` what the models share, `metadata` what asset pages show.
"""
