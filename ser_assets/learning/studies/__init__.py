"""Studies that change nothing: feature ablation, hyper-parameter search, and the size of a speaker profile."""
