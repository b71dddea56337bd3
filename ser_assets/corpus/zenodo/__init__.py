"""The download of RAVDESS from Zenodo: archives, licence, transfer, and unpacking.

Nothing else in the platform uses the network.
"""
