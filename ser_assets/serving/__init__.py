"""The champion in use: one portable folder (the bundle), and predictions from it, without training code or Dagster."""
