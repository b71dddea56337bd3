"""The champion in use: one portable folder, opened and asked without Dagster and without what trained it."""
