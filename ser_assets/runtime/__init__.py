"""Facilities of a running process: worker processes, progress, caches of libraries, permission to write.

Nothing here knows audio, tables or models.
"""
