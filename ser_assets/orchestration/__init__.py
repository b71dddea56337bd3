"""How runs start and end: jobs, the schedule, the executor, the run launcher, `ser-assets run`, doctor, studies.

What an asset computes does not belong here: see `assets/`. Options and messages of commands belong to `cli/`.
"""
