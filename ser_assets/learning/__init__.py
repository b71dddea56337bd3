"""Models and how they are judged. No Dagster."""
