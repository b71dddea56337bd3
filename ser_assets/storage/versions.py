"""Code versions, recipes and fingerprints: how an asset was made and from what, so that all see what has changed."""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_assets.audio.features.names import functional_names
from ser_assets.encoders.names import POOLING_VERSION
from ser_assets.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

MEASURING = ("mono_audio", "trimmed_audio", "features")
CHAIN = ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set")


def _nothing_more(_: Settings) -> Mapping[str, str]:
    return {}


@functools.cache
def _functionals(_: Settings) -> Mapping[str, str]:
    return {"functionals": _hash(functional_names())}


def _encoder(settings: Settings) -> Mapping[str, str]:
    return {"pooling": POOLING_VERSION, "encoder": settings.encoder_choice.version}


class _Made(NamedTuple):
    """By what an asset is made: all that is behind its content but what is upstream.

    Attributes:
        version: of our code.
        settings: that it obeys.
        libraries: that shape its bytes.
        more: versions of what else is behind its content, by name; read each time, as an encoder can be made meanwhile.
    """

    version: str
    settings: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    more: Callable[[Settings], Mapping[str, str]] = _nothing_more


_MADE = {
    "raw_videos": _Made("5", (), ("av",)),
    "mono_audio": _Made("6", ("sampling_rate",), ("av", "soxr")),
    "trimmed_audio": _Made("5", ("trim_mode", "trim_top_db", "minimum_clip_seconds"), ("numpy",)),
    "augmented_set": _Made(
        "4",
        ("speed_perturbation", "extra_copies", "noise_min_snr_db", "noise_max_snr_db"),
        ("audiomentations", "python-stretch", "soxr"),
    ),
    "features": _Made("5", (), ("numpy", "scipy"), _functionals),
    "embeddings": _Made("1", (), ("numpy", "onnxruntime", "soxr"), _encoder),
    "ensemble": _Made("2", (), ("scipy",)),
    "metrics_report": _Made("4", ("seed",)),
    "champion_model": _Made("3", ("seed",)),
}


def _made(asset: str) -> _Made:
    """How an asset is made; a model's comes from the catalogue."""
    from ser_assets.learning.models.catalog import MODELS

    if spec := MODELS.get(asset):
        return _Made(spec.version, ("protocols", "fold_schemes", "seed"), spec.libraries)
    return _MADE[asset]


def code_version(asset: str, settings: Settings) -> str:
    """Version of an asset's code, with all that is behind its content: `1 sampling_rate=22050 av=18.1.0`."""
    more = (f"{name}={value}" for name, value in _made(asset).more(settings).items())
    return " ".join([_code_version(asset, settings), *more])


@functools.cache
def _code_version(asset: str, settings: Settings) -> str:
    made = _made(asset)
    settings_used = (f"{name}={settings.as_text(name)}" for name in made.settings)
    libraries = (f"{name}={version(name)}" for name in made.libraries)
    return " ".join([made.version, *settings_used, *libraries])


def recipe(settings: Settings, last: str = "features") -> str:
    """How features, or what `last` names, are made under these settings, whatever they are made from."""
    steps = ""
    for asset in (*CHAIN, last):
        steps = extended(steps, asset, code_version(asset, settings))
    return steps


def differences(other: str) -> list[str]:
    """Compare a recipe with what is installed here, for decoding, trimming and measuring a recording.

    Args:
        other: as `recipe` wrote it, perhaps elsewhere. Settings are not compared: the recipe names them.

    Returns:
        `av 18.1.0 (here 19.0.0)`, `trimmed_audio version 3 (here 4)`, in the order of the steps.
    """
    defaults = Settings.model_construct(**_defaults())
    here = _versions(" > ".join(f"{asset} {code_version(asset, defaults)}" for asset in MEASURING))
    there = _versions(other)
    return [
        f"{name} {there.get(name, 'unknown')} (here {version})"
        for name, version in here.items()
        if there.get(name) != version
    ]


def _defaults() -> dict[str, Any]:
    """Defaults of the settings that a recipe names, whatever the environment says."""
    return {name: Settings.model_fields[name].default for made in _MADE.values() for name in made.settings}


def _versions(steps: str) -> dict[str, str]:
    """Versions of code and libraries in the steps of a recipe that measure one recording, by name."""
    versions: dict[str, str] = {}
    for step in steps.split(" > "):
        asset, number, *parts = f"{step} ? ?".split(" ")
        if asset in MEASURING:
            versions[f"{asset} version"] = number
            pairs = (part.split("=", 1) for part in parts if "=" in part)
            versions |= {name: value for name, value in pairs if name not in _MADE[asset].settings}
    return versions


def extended(upstream: str, asset: str, version: str) -> str:
    """The recipe of what is upstream and one step more: `raw_videos 1 av=18.1.0 > mono_audio 1 …`.

    Examples:
        >>> extended("raw_videos 5 av=18.1.0", "mono_audio", "6 sampling_rate=22050")
        'raw_videos 5 av=18.1.0 > mono_audio 6 sampling_rate=22050'
    """
    return f"{upstream} > {asset} {version}" if upstream else f"{asset} {version}"


def fingerprint(asset: str, settings: Settings, *input_fingerprint: object) -> str:
    """Hash of everything that decides what an asset holds: its code version and what it is made from."""
    return _hash([asset, code_version(asset, settings), *input_fingerprint])


def content_version(*parts: object) -> str:
    """Data version of an asset that holds these parts: the same content has the same version, whenever it is made."""
    return _hash(parts)


def rows_version(rows: "pd.DataFrame") -> str:
    """Hash of the rows of a table, in whatever order they are."""
    import pandas as pd

    hashes = sorted(pd.util.hash_pandas_object(rows, index=False).tolist())
    return _hash([list(rows.columns), hashes])


def folder_version(folder: Path) -> str:
    """Hash of the names and bytes of all files in a folder; nothing is in one that does not exist."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    contents = (hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in files)
    return _hash(
        [(path.relative_to(folder).as_posix(), content) for path, content in zip(files, contents, strict=True)]
    )


def _hash(parts: Sequence[object]) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
