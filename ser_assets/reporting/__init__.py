"""The report and the model card: from tables of scores and predictions to pages for people.

`collect` reads what the report is made of; no other module reads the database, and none computes a score.
"""
