"""Facilities of a running process: worker processes, progress, caches of libraries, and whether it may still write.

Nothing here knows audio, tables or models.
"""
