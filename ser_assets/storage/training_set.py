"""Reads what the models learn from out of the tables `features` and `mel_sequences`."""

from typing import TYPE_CHECKING

from ser_assets.audio.features.names import functional_names, sequence_names
from ser_assets.chosen_corpus import corpus_of
from ser_assets.settings import Settings
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES, RAW_VIDEOS, USABLE_CLIPS
from ser_assets.storage.versions import recipe
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from ser_assets.corpus.interface import Corpus
    from ser_assets.learning.data.examples import Examples


class FeaturesMissingError(LookupError):
    """There is nothing to learn from, or some of it is out of date; the message names the actors and the remedy."""


def load_examples(warehouse: Warehouse, settings: Settings) -> "Examples":
    """Read the clips of all actors that are materialized, in the order of actor, take and variant.

    Only takes that `raw_videos` accepts count; the demo corpus is left out where there are recordings of people.

    Raises:
        FeaturesMissingError: there are no features, or some were made with other settings or by other code.
        CorpusError: the corpus cannot tell its emotions.
    """
    from ser_assets.learning.data import sequences as mel_sequences
    from ser_assets.learning.data.examples import COLUMNS, Examples
    from ser_assets.learning.data.feature_sets import FUNCTIONALS, Vectors

    if not (warehouse.has_table(FEATURES) and warehouse.has_table(RAW_VIDEOS)):
        raise FeaturesMissingError(f"no features in {warehouse.path}: materialize features for two actors or more")
    usable = f"FROM {{}} SEMI JOIN ({USABLE_CLIPS}) USING (take_id, variant) ORDER BY actor, take_id, variant"
    with warehouse.reading() as connection:
        rows = connection.sql(usable.format(FEATURES)).to_arrow_table()
        mels = connection.sql(usable.format(MEL_SEQUENCES)).to_arrow_table()
    _refuse_other_recipes(rows, recipe(settings))
    for key in ("take_id", "variant"):
        if rows[key] != mels[key]:
            raise FeaturesMissingError(f"{FEATURES} and {MEL_SEQUENCES} hold other clips: materialize features again")
    return Examples(
        rows=rows.select([*COLUMNS, "input_fingerprint"]).to_pandas(),
        emotions=_emotions(corpus_of(settings), rows),
        sets={
            FUNCTIONALS: Vectors(functional_names(), _matrix(rows)),
            mel_sequences.MEL_SEQUENCES: mel_sequences.MelSequences(
                sequence_names(mels["bands"][0].as_py()), _sequences(mels)
            ),
        },
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


def _matrix(rows: "pa.Table") -> "np.ndarray":
    import numpy as np

    return np.stack([rows[name].to_numpy() for name in functional_names()], axis=1).astype(np.float32, copy=False)


def _sequences(mels: "pa.Table") -> "tuple[np.ndarray, ...]":
    import numpy as np

    columns = (mels[name] for name in ("mel", "bands", "f0", "harmonicity"))
    return tuple(
        np.column_stack(
            [mel.values.to_numpy().reshape(-1, bands.as_py()), f0.values.to_numpy(), harmonicity.values.to_numpy()]
        )
        for mel, bands, f0, harmonicity in zip(*columns, strict=True)
    )


def _refuse_other_recipes(rows: "pa.Table", wanted: str) -> None:
    import pyarrow.compute as pc

    other = pc.invert(pc.equal(rows["recipe"], wanted))
    old = sorted(pc.unique(rows.filter(pc.fill_null(other, True))["actor"]).to_pylist())
    if old:
        raise FeaturesMissingError(
            f"features of actors {', '.join(old)} were made with other settings or by other code than those of now: "
            "materialize raw_videos to features of these actors again, or put the settings back"
        )
