"""The bundle: one folder with all that it takes to ask the champion, and all that is known of how it came about."""

import dataclasses
import hashlib
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ser_assets.audio.features.names import functional_names
from ser_assets.audio.silence import TrimMode
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.learning.models.model_files import MODEL_FACTS_FILE, read_facts

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.models.inference import Ensemble, OnnxModel
    from ser_assets.learning.speakers.profile import SpeakerPrior

FORMAT: Final = "ser-assets bundle 3"
BUNDLE_FACTS_FILE: Final = "bundle.json"
CARD_FILE: Final = "model_card.md"
PRIOR_FILE: Final = "prior.npz"

RAVDESS_LICENCE: Final = "CC BY-NC-SA 4.0"
OWN_LICENCE: Final = "that of the recordings it learned from"
DEMO_LICENCE: Final = "voices of a synthesiser (espeak-ng); no recording of a person"
_REMEDY: Final = "`ser-assets run` makes one, as its last step"


class BundleError(ValueError):
    """A folder is no bundle that can be used; the message names the folder, the reason and the remedy."""


@dataclass(frozen=True)
class Preprocessing:
    """How a recording became a clip in training, and must again: Hz, what is cut, dB under the clip's peak, seconds."""

    sampling_rate: int
    trim_mode: TrimMode
    trim_top_db: float
    minimum_clip_seconds: float


@dataclass(frozen=True)
class Contents:
    """What a bundle is made of.

    models_dir: holds the kept models, `raw/<model>` and, where `speaker_normalised` says so, `calibrated/<model>`.
    reason: a sentence that says why this model. scores: rows of this model in `learning.scores.score_table`.
    recipe: how the features were made. settings: the knobs behind all of it, as text. demo: the voices are the demo's.
    date: of today, as YYYY-MM-DD.
    """

    model: str
    reason: str
    models_dir: Path
    speaker_normalised: bool
    prior: "SpeakerPrior"
    preprocessing: Preprocessing
    scores: "pd.DataFrame"
    recipe: str
    settings: dict[str, str]
    demo: bool
    date: str


@dataclass(frozen=True)
class Bundle:
    """An open bundle; `facts` is what its bundle.json holds."""

    folder: Path
    facts: dict[str, Any]

    @property
    def model(self) -> str:
        """Name of the champion."""
        return str(self.facts["model"])

    @property
    def is_demo(self) -> bool:
        """Whether it learned from a synthesiser's voices."""
        return bool(self.facts["training"]["demo"])

    @property
    def has_speaker_normalised(self) -> bool:
        """Whether there is a model for clips that are calibrated by a speaker's profile."""
        return f"{SPEAKER_NORMALISED}/{self.model}/{MODEL_FACTS_FILE}" in self.facts["files"]

    @property
    def preprocessing(self) -> Preprocessing:
        """How recordings are to be prepared."""
        return Preprocessing(**self.facts["preprocessing"])

    @property
    def measured_as(self) -> str:
        """Names how recordings are decoded, trimmed and measured for this bundle; profiles are for one such way."""
        made = json.dumps([self.facts["training"]["recipe"], self.facts["preprocessing"]], sort_keys=True)
        return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()

    def load(self, *, speaker_normalised: bool = False) -> "OnnxModel | Ensemble":
        """Open the model, for raw clips or for calibrated ones.

        Raises:
            BundleError: there is no model for calibrated clips, or this version cannot read it.
        """
        from ser_assets.learning.models.inference import load_model

        if speaker_normalised:
            self.require_speaker_normalised()
        kind = SPEAKER_NORMALISED if speaker_normalised else RAW
        try:
            return load_model(self.folder / kind / self.model)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise BundleError(f"the model {kind}/{self.model} of {self.folder} cannot be opened: {error}") from error

    def require_speaker_normalised(self) -> None:
        """Raise BundleError where there is no model for calibrated clips."""
        if not self.has_speaker_normalised:
            raise BundleError(
                f"{self.folder} holds no model for a calibrated speaker: have speaker_normalised among SER_PROTOCOLS, "
                "and materialize the models and champion_model again; or leave the profile out"
            )

    def prior(self) -> "SpeakerPrior":
        """What is usual for the speakers who were trained on."""
        from ser_assets.learning.speakers.profile import SpeakerPrior

        return SpeakerPrior.load(self.folder / PRIOR_FILE)


def champion_folder(data_dir: Path) -> Path:
    """Where asset `champion_model` writes the bundle."""
    return data_dir / "models" / "champion"


def write_bundle(folder: Path, contents: Contents, replaces: Path | None = None) -> None:
    """Write a bundle into `folder`, which exists and is empty.

    replaces: the folder that it will take the place of. If it holds just the same, its date is kept, so that the same
        models give the same bytes.

    Raises:
        FileNotFoundError: a model is not kept in `models_dir`.
    """
    from ser_assets.reporting.model_card import model_card

    for kind in (RAW, SPEAKER_NORMALISED) if contents.speaker_normalised else (RAW,):
        for name in parts_of(contents.models_dir / kind, contents.model):
            shutil.copytree(contents.models_dir / kind / name, folder / kind / name)
    contents.prior.save(folder / PRIOR_FILE)
    facts = _facts(contents, folder)
    before = _facts_before(replaces)
    if {**before, "date": None} == {**facts, "date": None}:
        facts["date"] = before["date"]
    (folder / CARD_FILE).write_text(model_card(facts, contents.scores), encoding="utf-8")
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / BUNDLE_FACTS_FILE).write_text(text + "\n", encoding="utf-8")


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle and look whether it is whole and fits this version.

    Raises:
        BundleError: there is none, its format or functionals are others, or a part is missing or changed.
    """
    path = folder / BUNDLE_FACTS_FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"no bundle in {folder}, for there is no {BUNDLE_FACTS_FILE}: {_REMEDY}") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BundleError(f"{path} is damaged: {_REMEDY} anew") from error
    found = facts.get("format") if isinstance(facts, dict) else None
    if found != FORMAT:
        raise BundleError(f"{folder} has the format {found!r}, and this version of ser-assets reads {FORMAT!r}")
    try:
        _verify_bundle(folder, facts)
        bundle = Bundle(folder, facts)
        _ = bundle.preprocessing
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} is damaged ({error} is missing or wrong): {_REMEDY} anew") from error
    return bundle


def parts_of(models_dir: Path, model: str) -> list[str]:
    """Name the folders under `models_dir` that a model consists of: its own, and those of its members.

    Raises:
        FileNotFoundError: one of them is not there.
    """
    names = [model, *_members(models_dir / model)]
    for name in names:
        if not (models_dir / name / MODEL_FACTS_FILE).is_file():
            raise FileNotFoundError(f"{models_dir / name} holds no model: materialize {name} first")
    return names


def size_of(models_dir: Path, model: str) -> int:
    """Bytes of a kept model with its members. Raises as `parts_of`."""
    return sum(path.stat().st_size for name in parts_of(models_dir, model) for path in _files(models_dir / name))


def _facts(contents: Contents, folder: Path) -> dict[str, Any]:
    training = _training(folder / RAW, contents.model)
    emotions = read_facts(folder / RAW / contents.model)["emotions"]
    columns = ["protocol", "fold_scheme", "metric", "value", "low", "high", "actors", "takes"]
    return {
        "format": FORMAT,
        "model": contents.model,
        "why": contents.reason,
        "date": contents.date,
        "emotions": emotions,
        "preprocessing": dataclasses.asdict(contents.preprocessing),
        "functional_names": list(functional_names()),
        "scores": [
            {name: _plain(value) for name, value in row.items()} for row in contents.scores[columns].to_dict("records")
        ],
        "training": {
            **training,
            "demo": contents.demo,
            "licence": _licence(emotions, training["actors"], contents.demo),
            "recipe": contents.recipe,
            "settings": contents.settings,
        },
        "files": {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)},
    }


def _licence(emotions: Sequence[str], actors: Sequence[str], demo: bool) -> str:
    from ser_assets.reporting.references import is_ravdess

    if demo:
        return DEMO_LICENCE
    return RAVDESS_LICENCE if is_ravdess(emotions, actors) else OWN_LICENCE


def _training(models_dir: Path, model: str) -> dict[str, Any]:
    """What the model, or the members that it consists of, learned from and with."""
    members = _members(models_dir / model)
    each = [read_facts(models_dir / name) for name in members or [model]]
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


def _members(model_folder: Path) -> list[str]:
    return sorted(read_facts(model_folder).get("members", {}))


def _facts_before(folder: Path | None) -> dict[str, Any]:
    try:
        return open_bundle(folder).facts if folder else {}
    except BundleError:
        return {}


def _verify_bundle(folder: Path, facts: dict[str, Any]) -> None:
    if tuple(facts["functional_names"]) != functional_names():
        raise BundleError(
            f"{folder} was made for {len(facts['functional_names'])} functionals, and they are not the "
            f"{len(functional_names())} that this version of ser-assets measures: {_REMEDY} anew; or install "
            f"ser-assets {facts['training']['libraries']['ser-assets']}, which made it"
        )
    for name in (f"{RAW}/{facts['model']}/{MODEL_FACTS_FILE}", PRIOR_FILE):
        if name not in facts["files"]:
            raise BundleError(f"{folder} is not whole, {name} is not in it: {_REMEDY} anew")
    for name, digest in facts["files"].items():
        if not (folder / name).is_file():
            raise BundleError(f"{folder} is not whole, {name} is missing: copy the whole folder again")
        if _digest(folder / name) != digest:
            raise BundleError(f"{folder / name} has changed since the bundle was made: copy the whole folder again")
    if facts["emotions"] != read_facts(folder / RAW / facts["model"])["emotions"]:
        told = ", ".join(facts["emotions"])
        raise BundleError(f"{folder} names other emotions than its model, or in another order: {told}")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _plain(value: Any) -> Any:
    """A number that JSON can hold: none for what does not exist."""
    return None if isinstance(value, float) and math.isnan(value) else value
