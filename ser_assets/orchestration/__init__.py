"""How runs start, are watched over and end: jobs, the schedule, the executor, the run launcher, `ser-assets run`.

What an asset computes does not belong here: see `assets/`.
"""
