"""The features of a clip: frames, spectra and pitch, descriptors over time, and their statistics.

`names` lists the functionals, `extract` computes them. Normalisation, which is fitted on training data, belongs to
`learning`.
"""
