"""Writes the bundle of a champion: models, prior, facts and model card."""

import dataclasses
import json
import math
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ser_assets.audio.pipeline import Preprocessing
from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.encoders.encoder import Encoder
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.learning.models.model_files import read_facts
from ser_assets.serving.bundle import (
    BUNDLE_FACTS_FILE,
    CARD_FILE,
    ENCODER_FILE,
    FORMAT,
    PRIOR_FILE,
    BundleError,
    digest_of,
    files_of,
    members_of,
    open_bundle,
    parts_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.speakers.prior import SpeakerPrior


LARGEST_ENCODER: Final = 64_000_000
"""Bytes of the largest encoder that a bundle holds itself."""
DEMO_LICENCE: Final = "voices of a synthesiser (espeak-ng); no recording of a person"


@dataclass(frozen=True)
class Contents:
    """What a bundle is made of.

    Attributes:
        corpus: that it was trained on.
        models_dir: holds the final models, `raw/<model>` and, if `speaker_normalised`, `speaker_normalised/<model>`.
        encoder: that its models read the embeddings of, if any.
        reason: a sentence that says why this model.
        scores: rows of this model in `evaluation.scores.score_table`.
        recipe: how the features were made.
        settings: of the platform, as text.
        demo: the voices are the demo's.
        date: of today, as YYYY-MM-DD.
    """

    model: str
    corpus: CorpusIdentity
    reason: str
    models_dir: Path
    speaker_normalised: bool
    prior: "SpeakerPrior"
    encoder: Encoder | None
    preprocessing: Preprocessing
    scores: "pd.DataFrame"
    recipe: str
    settings: dict[str, str]
    demo: bool
    date: str


def write_bundle(folder: Path, contents: Contents, replaces: Path | None = None) -> None:
    """Write a bundle into `folder`, which exists and is empty.

    Args:
        folder: exists and is empty.
        contents: what it is made of.
        replaces: the folder that it will take the place of. If it holds just the same, its date is kept, so that the
            same models give the same bytes.

    Raises:
        FileNotFoundError: a model is not kept in `models_dir`.
    """
    from ser_assets.reporting.model_card import model_card

    for kind in (RAW, SPEAKER_NORMALISED) if contents.speaker_normalised else (RAW,):
        for name in parts_of(contents.models_dir / kind, contents.model):
            shutil.copytree(contents.models_dir / kind / name, folder / kind / name)
    contents.prior.save(folder / PRIOR_FILE)
    if contents.encoder and is_carried(contents.encoder):
        shutil.copyfile(contents.encoder.path, folder / ENCODER_FILE)
    facts = _facts(contents, folder)
    before = _facts_before(replaces)
    if {**before, "date": None} == {**facts, "date": None}:
        facts["date"] = before["date"]
    (folder / CARD_FILE).write_text(model_card(facts, contents.scores), encoding="utf-8")
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / BUNDLE_FACTS_FILE).write_text(text + "\n", encoding="utf-8")


def size_of(models_dir: Path, model: str) -> int:
    """Bytes of a kept model with its members. Raises as `parts_of`."""
    return sum(path.stat().st_size for name in parts_of(models_dir, model) for path in files_of(models_dir / name))


def _facts(contents: Contents, folder: Path) -> dict[str, Any]:
    training = _training(folder / RAW, contents.model)
    emotions = read_facts(folder / RAW / contents.model)["emotions"]
    columns = ["protocol", "fold_scheme", "metric", "value", "low", "high", "actors", "takes"]
    return {
        "format": FORMAT,
        "model": contents.model,
        "why": contents.reason,
        "date": contents.date,
        "corpus": {"name": contents.corpus.name, "title": contents.corpus.title},
        "emotions": emotions,
        "preprocessing": dataclasses.asdict(contents.preprocessing),
        "feature_sets": _feature_sets(folder / RAW, contents.model),
        "encoder": _encoder_facts(contents.encoder),
        "scores": [
            {name: _plain(value) for name, value in row.items()} for row in contents.scores[columns].to_dict("records")
        ],
        "training": {
            **training,
            "demo": contents.demo,
            "licence": DEMO_LICENCE if contents.demo else contents.corpus.licence,
            "recipe": contents.recipe,
            "settings": contents.settings,
        },
        "files": {path.relative_to(folder).as_posix(): digest_of(path) for path in files_of(folder)},
    }


def is_carried(encoder: Encoder) -> bool:
    """Whether a bundle holds the encoder itself, which is small enough; others are named by hash."""
    return encoder.size <= LARGEST_ENCODER


def _encoder_facts(encoder: Encoder | None) -> dict[str, Any] | None:
    if encoder is None:
        return None
    known = {name: encoder.metadata.get(name, "unknown") for name in ("licence", "training_data")}
    return {**encoder.identity._asdict(), "carried": is_carried(encoder), "bytes": encoder.size, **known}


def _training(models_dir: Path, model: str) -> dict[str, Any]:
    """What the model, or the members that it consists of, learned from and with."""
    members = members_of(models_dir / model)
    each = _facts_of_members(models_dir, model)
    libraries = {library: number for facts in each for library, number in facts["libraries"].items()}
    for library in ("ser-assets", "onnxruntime", "numpy", "librosa"):
        libraries[library] = version(library)
    return {
        "members": members,
        "actors": each[0]["training_actors"],
        "takes": each[0]["training_takes"],
        "clips": each[0]["training_clips"],
        "seed": each[0]["seed"],
        "model_settings": {facts["model"]: facts["settings"] for facts in each},
        "libraries": dict(sorted(libraries.items())),
    }


def feature_sets_of(models_dir: Path, model: str) -> dict[str, str]:
    """Name each feature set that the model, or its members, read, and what made it. Raises as `parts_of`."""
    parts_of(models_dir, model)
    return {facts["reads"]: facts["made_by"] for facts in _facts_of_members(models_dir, model)}


def _feature_sets(models_dir: Path, model: str) -> dict[str, list[str]]:
    """Columns of the feature sets that the model, or its members, read."""
    return {facts["reads"]: facts["features"] for facts in _facts_of_members(models_dir, model)}


def _facts_of_members(models_dir: Path, model: str) -> list[dict[str, Any]]:
    return [read_facts(models_dir / name) for name in members_of(models_dir / model) or [model]]


def _facts_before(folder: Path | None) -> dict[str, Any]:
    try:
        return open_bundle(folder).facts if folder else {}
    except BundleError:
        return {}


def _plain(value: Any) -> Any:
    """A number that JSON can hold: none for what does not exist."""
    return None if isinstance(value, float) and math.isnan(value) else value
