"""Models, the protocols that evaluate them, and their scores: arrays and tables in, arrays and tables out.

No Dagster, no database, no file but saved models. The inner packages depend in one direction:
`data`, `speakers`, `protocols`, `models`, `evaluation`, `studies`.
"""
