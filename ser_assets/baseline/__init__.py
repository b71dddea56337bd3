"""The notebook that the project started from, reproduced: its features, its models and its way to evaluate.

Nothing outside uses these models; the report shows their scores beside the platform's.
"""
