"""Plots, and the page that tells how good the models are. No Dagster."""
