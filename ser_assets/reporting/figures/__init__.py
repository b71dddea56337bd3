"""Figures: tables and arrays in, one matplotlib figure or PNG out."""
