"""Code versions: what an asset was made by, and with which settings; so the UI and a second run see what changed."""

import hashlib
import json

from ser_assets.settings import Settings

_VERSIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "raw_videos": ("1", ()),
    "mono_audio": ("1", ("sampling_rate",)),
    "trimmed_audio": ("1", ("trim_mode", "trim_below_peak_db", "minimum_clip_seconds")),
    "augmented_set": ("1", ("extra_copies", "noise_snr_db_low", "noise_snr_db_high")),
    "features": ("1", ()),
    "random_forest": ("1", ("folds", "seed")),
    "neural_network": ("1", ("folds", "seed")),
    "cnn": ("1", ("folds", "seed")),
    "complex_cnn": ("1", ("folds", "seed")),
    "metrics_report": ("1", ("seed",)),
}


def code_version(asset: str, settings: Settings) -> str:
    """Version of an asset's code together with the settings that it obeys, such as `1 sampling_rate=22050`."""
    version, names = _VERSIONS[asset]
    return " ".join([version, *(f"{name}={getattr(settings, name)}" for name in names)])


def fingerprint(asset: str, settings: Settings, *made_from: object) -> str:
    """Hash of everything that decides what an asset holds: its code version and what it is made from."""
    text = json.dumps([asset, code_version(asset, settings), *made_from], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
