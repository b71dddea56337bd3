"""Pretrained speech encoders: an ONNX file and 16 kHz samples in, one embedding a clip out.

Here belong the contract of an encoder file, Whisper's front end, pooling over time, and the ways to make such a file
out of published weights. No model of emotions, no table and no Dagster belongs here.
"""
