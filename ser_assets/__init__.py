"""Emotion recognition from speech as a data asset platform, evaluated on speakers that are not in the training set.

Each package states what belongs in it and what does not. Imports point down only: `ser_assets_tests/test_layers.py`
holds the order of the layers.
"""
