"""What the model assets share: run config, one training at a time, and what a run leaves out."""
