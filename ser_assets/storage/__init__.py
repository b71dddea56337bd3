"""Where assets are stored: a Parquet file per actor for clips and features, DuckDB tables, folders of models.

Also what is read back from there as one thing: the training set and the leakage audit. No Dagster.
"""
