"""Reads what the models learn from out of the tables `features`, `mel_sequences` and `embeddings`."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ser_assets.audio.features.names import functional_names, sequence_names
from ser_assets.chosen_corpus import corpus_of
from ser_assets.encoders.names import EncoderIdentity
from ser_assets.learning.data import set_names
from ser_assets.settings import Settings
from ser_assets.storage.tables import EMBEDDINGS, FEATURES, MEL_SEQUENCES, RAW_VIDEOS, USABLE_CLIPS, USABLE_EMBEDDINGS
from ser_assets.storage.versions import recipe
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from ser_assets.corpus.interface import Corpus
    from ser_assets.learning.data.embeddings import Embeddings
    from ser_assets.learning.data.examples import Examples
    from ser_assets.learning.data.feature_sets import FeatureSet, Vectors
    from ser_assets.learning.data.sequences import MelSequences


class FeaturesMissingError(LookupError):
    """There is nothing to learn from, or some of it is out of date; the message names the actors and the remedy."""


def load_examples(warehouse: Warehouse, settings: Settings, reads: Collection[str]) -> "Examples":
    """Read the clips of all actors that are materialized, in the order of actor, take and variant.

    Only takes that `raw_videos` accepts count; the demo corpus is left out where there are recordings of people.

    Args:
        warehouse: tables of the corpus.
        settings: of the platform.
        reads: names of the feature sets to read.

    Raises:
        FeaturesMissingError: there are no features, or some were made with other settings, by other code or by another
            encoder.
        CorpusError: the corpus cannot tell its emotions.
    """
    from ser_assets.learning.data.examples import COLUMNS, Examples

    if not (warehouse.has_table(FEATURES) and warehouse.has_table(RAW_VIDEOS)):
        raise FeaturesMissingError(f"no features in {warehouse.path}: materialize features for two actors or more")
    usable = f"FROM {{}} SEMI JOIN ({USABLE_CLIPS}) USING (take_id, variant) ORDER BY actor, take_id, variant"
    with warehouse.reading() as connection:
        rows = connection.sql(usable.format(FEATURES)).to_arrow_table()
    _refuse_other_recipes(rows, recipe(settings))
    loaders: dict[str, Callable[[], FeatureSet]] = {
        set_names.FUNCTIONALS: lambda: _functionals(rows),
        set_names.MEL_SEQUENCES: lambda: _mel_sequences(rows, warehouse, usable),
        set_names.EMBEDDINGS: lambda: _embeddings(rows, warehouse, settings),
    }
    return Examples(
        rows=rows.select([*COLUMNS, "input_fingerprint"]).to_pandas(),
        emotions=_emotions(corpus_of(settings), rows),
        sets={name: loaders[name]() for name in reads},
    )


def _emotions(corpus: "Corpus", rows: "pa.Table") -> tuple[str, ...]:
    """All emotions of a corpus that promises them, else those that occur."""
    present = set(rows["emotion"].to_pylist())
    if strangers := sorted(present - set(corpus.emotions)):
        raise FeaturesMissingError(
            f"features show emotions that the corpus does not know any more ({', '.join(strangers)}): materialize "
            "raw_videos to features of all actors again, or put the labels back"
        )
    return tuple(emotion for emotion in corpus.emotions if emotion in present or emotion in corpus.emotions_of_an_actor)


def _functionals(rows: "pa.Table") -> "Vectors":
    import numpy as np

    from ser_assets.learning.data.feature_sets import Vectors

    matrix = np.stack([rows[name].to_numpy() for name in functional_names()], axis=1)
    return Vectors(functional_names(), matrix.astype(np.float32, copy=False))


def _mel_sequences(rows: "pa.Table", warehouse: Warehouse, usable: str) -> "MelSequences":
    from ser_assets.learning.data.sequences import MelSequences

    with warehouse.reading() as connection:
        mels = connection.sql(usable.format(MEL_SEQUENCES)).to_arrow_table()
    for key in ("take_id", "variant"):
        if rows[key] != mels[key]:
            raise FeaturesMissingError(f"{FEATURES} and {MEL_SEQUENCES} hold other clips: materialize features again")
    return MelSequences(sequence_names(mels["bands"][0].as_py()), _sequences(mels))


def _sequences(mels: "pa.Table") -> "tuple[np.ndarray, ...]":
    import numpy as np

    columns = (mels[name] for name in ("mel", "bands", "f0", "harmonicity"))
    return tuple(
        np.column_stack(
            [mel.values.to_numpy().reshape(-1, bands.as_py()), f0.values.to_numpy(), harmonicity.values.to_numpy()]
        )
        for mel, bands, f0, harmonicity in zip(*columns, strict=True)
    )


def _embeddings(rows: "pa.Table", warehouse: Warehouse, settings: Settings) -> "Embeddings":
    """The embeddings of these clips; a noisy copy has none.

    Raises:
        FeaturesMissingError: a take has none, or one of another encoder, recording, code or settings.
    """
    import numpy as np

    from ser_assets.learning.data.embeddings import Embeddings

    if not settings.has_encoder:
        raise FeaturesMissingError("SER_ENCODER=none turns embeddings off: leave it out, or name an encoder")
    if not warehouse.has_table(EMBEDDINGS):
        raise FeaturesMissingError(f"no embeddings in {warehouse.path}: materialize embeddings for these actors first")
    with warehouse.reading() as connection:
        stored = connection.sql(f"{USABLE_EMBEDDINGS} ORDER BY actor, take_id, variant").to_arrow_table()
    _refuse_other_encoders(stored, settings.encoder_choice.version)
    place = {key: number for number, key in enumerate(_keys(stored))}
    places = np.array([place.get(key, -1) for key in _keys(rows)])
    needed = np.asarray(rows["variant"]) == 0
    if (missing := needed & (places < 0)).any():
        take = rows["take_id"][int(np.flatnonzero(missing)[0])].as_py()
        raise FeaturesMissingError(
            f"{int(missing.sum())} takes have no embedding, or one of another recording, such as {take}: materialize "
            "embeddings again"
        )
    _refuse_other_recipes(stored.take(np.unique(places[places >= 0])), recipe(settings, EMBEDDINGS), EMBEDDINGS)
    values = _embedding_values(stored)
    found = values[np.maximum(places, 0)]
    found[places < 0] = 0
    identity = EncoderIdentity(stored["encoder"][0].as_py(), stored["encoder_sha256"][0].as_py())
    return Embeddings(identity, tuple(stored["layers"][0].as_py()), found, places >= 0)


def _embedding_values(stored: "pa.Table") -> "np.ndarray":
    """Mean and deviation of each layer, as `encoders.Embedding.vector` has them, float32 (rows, F)."""
    import numpy as np

    layers = len(stored["layers"][0].as_py())
    parts = [stored[name].combine_chunks().flatten().flatten().to_numpy() for name in ("mean", "deviation")]
    return np.stack([part.reshape(stored.num_rows, layers, -1) for part in parts], axis=2).reshape(stored.num_rows, -1)


def _keys(rows: "pa.Table") -> list[tuple[str, int, str]]:
    """Take, variant and recording of each row."""
    return list(zip(*(rows[name].to_pylist() for name in ("take_id", "variant", "audio_hash")), strict=True))


def _refuse_other_encoders(stored: "pa.Table", wanted: str) -> None:
    import pyarrow.compute as pc

    others = stored.filter(pc.not_equal(stored["encoder_sha256"], wanted))
    if others.num_rows:
        pairs = zip(others["encoder"].to_pylist(), others["encoder_sha256"].to_pylist(), strict=True)
        names = ", ".join(sorted({str(EncoderIdentity(*pair)) for pair in pairs}))
        actors = ", ".join(sorted(pc.unique(others["actor"]).to_pylist()))
        raise FeaturesMissingError(
            f"embeddings of actors {actors} are of {names}, and SER_ENCODER names an encoder with the SHA-256 "
            f"{wanted[:12]}: materialize embeddings again, or put SER_ENCODER back"
        )


def _refuse_other_recipes(rows: "pa.Table", wanted: str, asset: str = FEATURES) -> None:
    import pyarrow.compute as pc

    other = pc.invert(pc.equal(rows["recipe"], wanted))
    old = sorted(pc.unique(rows.filter(pc.fill_null(other, True))["actor"]).to_pylist())
    if old:
        raise FeaturesMissingError(
            f"{asset} of actors {', '.join(old)} were made with other settings or by other code than those of now: "
            f"materialize raw_videos to {asset} of these actors again, or put the settings back"
        )
