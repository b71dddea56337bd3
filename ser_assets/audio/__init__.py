"""Arrays in, arrays out: decoding, silence, augmentation, spectra, features. No Dagster, no database."""
