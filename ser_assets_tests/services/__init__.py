"""Tests that start the real services, `dagster dev`, and drive them as users do; `make test-services` runs them."""
