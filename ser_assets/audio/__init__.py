"""Arrays in, arrays out: from a recording to a clip and its features.

No Dagster, no database, no labels, no models. `decoding` reads files, `features` measures clips.
"""
