"""Removal of everything derived from recordings that have left the corpus.

`withdraw` decides what has to be removed, `removal` removes it from files and tables. The run history is cleaned by
`history.take_removal`.
"""
