"""What models take and give: examples with their labels, sequences, tables of predictions, temperature.

Nothing here is fitted on more than an array of probabilities.
"""
