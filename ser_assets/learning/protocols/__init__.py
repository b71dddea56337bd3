"""The only place that splits examples into training and test sets.

A split refuses examples that would leak. Nothing else may divide rows.
"""
