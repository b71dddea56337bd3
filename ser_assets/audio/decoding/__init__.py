"""From any container that ffmpeg reads to samples, with a check that the file holds what it states.

What a recording must hold to be an utterance belongs to `audio.validation`.
"""
