"""The bundle: one folder with all that a prediction needs, and the facts of its training."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ser_assets.audio.pipeline import Preprocessing
from ser_assets.encoders.choice import EncoderFile
from ser_assets.encoders.names import EncoderError, EncoderIdentity
from ser_assets.learning.data.audio_sets import audio_columns
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.learning.data.set_names import EMBEDDINGS
from ser_assets.learning.models.model_files import MODEL_FACTS_FILE, read_facts
from ser_assets.serving.external_encoder import external_encoder

if TYPE_CHECKING:
    from ser_assets.learning.models.inference import Ensemble, OnnxModel
    from ser_assets.learning.speakers.prior import SpeakerPrior

FORMAT: Final = "ser-assets bundle 5"
BUNDLE_FACTS_FILE: Final = "bundle.json"
CARD_FILE: Final = "model_card.md"
PRIOR_FILE: Final = "prior.npz"
ENCODER_FILE: Final = "encoder.onnx"

_REMEDY: Final = "`ser-assets run` makes one, as its last step"


class BundleError(ValueError):
    """A folder is no bundle that can be used; the message names the folder, the reason and the remedy."""


class Measurement(NamedTuple):
    """How recordings are measured for the models of a bundle.

    Attributes:
        preprocessing: how a recording becomes a clip.
        feature_sets: names of those that the models read; nothing else is measured.
        encoder: that embeds the clips, if the models read embeddings.
    """

    preprocessing: Preprocessing
    feature_sets: tuple[str, ...]
    encoder: EncoderFile | None = None


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
        """Whether it was trained on the synthetic demo corpus."""
        return bool(self.facts["training"]["demo"])

    @property
    def has_speaker_normalised(self) -> bool:
        """Whether there is a model for clips that are normalised by a speaker's profile."""
        return f"{SPEAKER_NORMALISED}/{self.model}/{MODEL_FACTS_FILE}" in self.facts["files"]

    @property
    def preprocessing(self) -> Preprocessing:
        """How recordings are to be prepared."""
        return Preprocessing(**self.facts["preprocessing"])

    @property
    def encoder(self) -> EncoderFile | None:
        """The encoder that its models need: in the bundle, or, where it is large, found by its hash.

        Raises:
            EncoderError: it is not in the bundle, and cannot be found.
        """
        facts = self.facts["encoder"]
        if facts is None:
            return None
        identity = EncoderIdentity(facts["name"], facts["sha256"])
        return EncoderFile(self.folder / ENCODER_FILE if facts["carried"] else external_encoder(identity), identity)

    @property
    def measurement(self) -> Measurement:
        """How recordings are to be measured. Raises as `encoder`."""
        return Measurement(self.preprocessing, tuple(self.facts["feature_sets"]), self.encoder)

    @property
    def measured_as(self) -> str:
        """Names how recordings are decoded, trimmed and measured for this bundle; profiles are for one such way."""
        facts = self.facts
        made = json.dumps([facts["training"]["recipe"], facts["preprocessing"], facts["encoder"]], sort_keys=True)
        return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()

    def load(self, *, speaker_normalised: bool = False) -> "OnnxModel | Ensemble":
        """Open the model, for raw clips or for speaker-normalised ones.

        Raises:
            BundleError: there is no model for speaker-normalised clips, or this version cannot read it.
        """
        from ser_assets.learning.models.inference import load_model

        if speaker_normalised:
            self.require_speaker_normalised()
        kind = SPEAKER_NORMALISED if speaker_normalised else RAW
        try:
            return load_model(self.folder / kind / self.model)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise BundleError(
                f"the model {kind}/{self.model} of {self.folder} cannot be opened ({error}): {_REMEDY}"
            ) from error

    def require_encoder(self) -> None:
        """Raise BundleError where the models need an encoder that cannot be opened."""
        try:
            if self.encoder:
                self.encoder.open()
        except EncoderError as error:
            raise BundleError(f"{self.folder} cannot be used: {error}") from error

    def require_speaker_normalised(self) -> None:
        """Raise BundleError where there is no model for speaker-normalised clips."""
        if not self.has_speaker_normalised:
            raise BundleError(
                f"{self.folder} holds no model for an enrolled speaker: have speaker_normalised among SER_PROTOCOLS, "
                "and materialize the models and champion_model again; or leave the profile out"
            )

    def prior(self) -> "SpeakerPrior":
        """What is usual for the speakers who were trained on."""
        from ser_assets.learning.speakers.prior import SpeakerPrior

        return SpeakerPrior.load(self.folder / PRIOR_FILE)


def champion_folder(corpus_dir: Path) -> Path:
    """Where asset `champion_model` writes the bundle."""
    return corpus_dir / "models" / "champion"


def default_bundle(data_dir: Path, corpus: str) -> Path:
    """Folder of the champion of a corpus.

    Raises:
        BundleError: this corpus has none, but another in the data folder has.
    """
    folder = champion_folder(data_dir / corpus)
    if not (folder / BUNDLE_FACTS_FILE).exists():
        others = sorted(data_dir.glob(str(champion_folder(Path("*")) / BUNDLE_FACTS_FILE)))
        if others:
            raise BundleError(
                f"no bundle in {folder}, the folder of the corpus {corpus}; other corpora have one: choose with "
                f"`--bundle {others[0].parent}`, or set SER_CORPUS; {_REMEDY} for {corpus}"
            )
    return folder


def open_bundle(folder: Path | str) -> Bundle:
    """Read a bundle and look whether it is whole and fits this version.

    Raises:
        BundleError: there is none, its format or functionals are others, or a part is missing or changed.
    """
    folder = Path(folder)
    path = folder / BUNDLE_FACTS_FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(
            f"no bundle in {folder}, for there is no {BUNDLE_FACTS_FILE}: {_REMEDY}; or name its folder with "
            "`--bundle DIR`"
        ) from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): make it readable (`chmod u+r`)") from error
    except ValueError as error:
        raise BundleError(f"{path} is damaged: {_REMEDY}") from error
    found = facts.get("format") if isinstance(facts, dict) else None
    if found != FORMAT:
        raise BundleError(
            f"{folder} has the format {found!r}, and this version of ser-assets reads {FORMAT!r}: {_REMEDY}"
        )
    try:
        _verify_bundle(folder, facts)
        bundle = Bundle(folder, facts)
        _ = bundle.preprocessing
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} is damaged ({error} is missing or wrong): {_REMEDY}") from error
    return bundle


def parts_of(models_dir: Path, model: str) -> list[str]:
    """Name the folders under `models_dir` that a model consists of: its own, and those of its members.

    Raises:
        FileNotFoundError: one of them is not there.
    """
    names = [model, *members_of(models_dir / model)]
    for name in names:
        if not (models_dir / name / MODEL_FACTS_FILE).is_file():
            raise FileNotFoundError(f"{models_dir / name} holds no model: materialize {name} first")
    return names


def members_of(model_folder: Path) -> list[str]:
    """Names of the members of a saved ensemble, sorted; none for another model."""
    return sorted(read_facts(model_folder).get("members", {}))


def _verify_bundle(folder: Path, facts: dict[str, Any]) -> None:
    measured = audio_columns()
    sets = set(facts["feature_sets"])
    if (EMBEDDINGS in sets) != (facts["encoder"] is not None) or sets - set(measured) - {EMBEDDINGS}:
        raise BundleError(f"{folder / BUNDLE_FACTS_FILE} is damaged (its encoder or a feature set is wrong): {_REMEDY}")
    for name, columns in facts["feature_sets"].items():
        if name != EMBEDDINGS and tuple(columns) != measured.get(name):
            raise BundleError(
                f"{folder} was made for {len(columns)} {name}, and they are not the {len(measured.get(name, ()))} that "
                f"this version of ser-assets measures: {_REMEDY}; or install ser-assets "
                f"{facts['training']['libraries']['ser-assets']}, which made it"
            )
    encoder = [ENCODER_FILE] if facts["encoder"] and facts["encoder"]["carried"] else []
    for name in (f"{RAW}/{facts['model']}/{MODEL_FACTS_FILE}", PRIOR_FILE, *encoder):
        if name not in facts["files"]:
            raise BundleError(f"{folder} is not whole, {name} is not in it: {_REMEDY}")
    for name, digest in facts["files"].items():
        if not (folder / name).is_file():
            raise BundleError(f"{folder} is not whole, {name} is missing: copy the whole folder again")
        if digest_of(folder / name) != digest:
            raise BundleError(f"{folder / name} has changed since the bundle was made: copy the whole folder again")
    if facts["emotions"] != read_facts(folder / RAW / facts["model"])["emotions"]:
        names = ", ".join(facts["emotions"])
        raise BundleError(f"{folder} names other emotions than its model, or in another order ({names}): {_REMEDY}")


def files_of(folder: Path) -> list[Path]:
    """All files in a folder at any depth, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def digest_of(path: Path) -> str:
    """BLAKE2b hash of a file, 16 bytes as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
