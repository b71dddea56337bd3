"""How good models are: evaluation under protocols, metrics with intervals, the champion rule, and the leakage probe.

Nothing here fits a model but through `evaluate`.
"""
