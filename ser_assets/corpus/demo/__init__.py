"""The demo corpus: synthetic actors in the form of RAVDESS, spoken by espeak-ng.

Only what makes these films belongs here. RAVDESS itself is `corpus.ravdess`.
"""
