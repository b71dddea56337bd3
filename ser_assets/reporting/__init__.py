"""The report and the model card: from tables of scores and predictions to pages for people.

Nothing here computes a score or reads the database: `learning.evaluation` and `assets.report` do.
"""
