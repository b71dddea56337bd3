"""Where assets rest: one Parquet file an actor for clips, DuckDB for tables, a folder for a model."""
