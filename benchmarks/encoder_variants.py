"""What might make the model on a pretrained encoder better: UAR of variants on unseen actors, paired with the model.

Run: `python benchmarks/encoder_variants.py DATA [--other DATA --other-encoder FILE.onnx]`. DATA is a data folder with
`embeddings` of RAVDESS; the other has those of another encoder, on the same takes. Folds luna5; the regularisation is
fixed (`STRENGTH`).
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from timing import write_json

from ser_assets.corpus.ravdess import FOLD_SCHEMES
from ser_assets.learning.data.embeddings import Embeddings
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table
from ser_assets.learning.data.set_names import EMBEDDINGS
from ser_assets.learning.evaluation.scores import score_differences, score_table
from ser_assets.learning.models.pretrained_encoder import LayerRegressions
from ser_assets.learning.protocols.fold_schemes import FoldScheme
from ser_assets.learning.protocols.protocols import speaker_independent, speaker_normalised
from ser_assets.learning.protocols.splits import Split
from ser_assets.learning.speakers.profile import normalise_speakers
from ser_assets.settings import Settings
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse

STRENGTH = 0.01
LUNA5 = FoldScheme("luna5", FOLD_SCHEMES["luna5"])
AS_IT_IS = "as it is"
Variant = Callable[[Examples, Examples, Split], np.ndarray]


def as_it_is(training: Examples, test: Examples, _: Split) -> np.ndarray:
    """The model: one regression a layer, on takes and copies at other speeds."""
    return LayerRegressions.learn(training, STRENGTH).predict(test[EMBEDDINGS].values)


def takes_alone(training: Examples, test: Examples, split: Split) -> np.ndarray:
    """No copies at other speeds in the training set."""
    return as_it_is(training.subset(np.flatnonzero(training.rows["variant"] == 0)), test, split)


def one_layer(number: int) -> Variant:
    """One layer alone."""

    def variant(training: Examples, test: Examples, split: Split) -> np.ndarray:
        return as_it_is(_with_layer(training, number), _with_layer(test, number), split)

    return variant


def three_speeds(examples: Examples) -> Variant:
    """The mean of the log-probabilities of a test take at all its speeds."""

    def variant(training: Examples, test: Examples, split: Split) -> np.ndarray:
        # A split hands out no copies to test on: these are of test actors alone, as its own test set is.
        model = LayerRegressions.learn(training, STRENGTH)
        takes = list(test.rows["take_id"])
        copies = examples.subset(np.flatnonzero(examples.rows["take_id"].isin(takes)))
        copies = normalise_speakers(copies) if split.protocol == "speaker_normalised" else copies
        logarithms = pd.DataFrame(np.log(model.predict(copies[EMBEDDINGS].values)))
        pooled = np.exp(logarithms.groupby(copies.rows["take_id"].to_numpy()).mean().loc[takes].to_numpy())
        return pooled / pooled.sum(axis=1, keepdims=True)

    return variant


def two_encoders(other: Examples) -> Variant:
    """The product of the probabilities of two encoders."""

    def variant(training: Examples, test: Examples, split: Split) -> np.ndarray:
        there = replace(split, rows=other.rows)
        sides = there.training_examples(other), there.test_examples(other)
        product = as_it_is(training, test, split) * as_it_is(*sides, split)
        return product / product.sum(axis=1, keepdims=True)

    return variant


def _with_layer(clips: Examples, number: int) -> Examples:
    own: Embeddings = clips[EMBEDDINGS]
    values = own.values.reshape(len(own), len(own.layers), -1)[:, own.layers.index(number)]
    return clips.with_set(EMBEDDINGS, replace(own, layers=(number,), values=values))


def predicted(examples: Examples, name: str, variant: Variant) -> pd.DataFrame:
    """Predictions of a variant under both protocols by actor."""
    tables = []
    for split in (*speaker_independent(examples.rows, LUNA5), *speaker_normalised(examples.rows, LUNA5)):
        training, test = split.training_examples(examples), split.test_examples(examples)
        fold = {"model": name, "protocol": split.protocol, "fold_scheme": split.fold_scheme, "fold": split.fold}
        tables.append(prediction_table(test, variant(training, test, split)).assign(**fold))
    return pd.concat(tables, ignore_index=True)


def embedded(data_dir: Path, encoder: str | None) -> Examples:
    """Clips with embeddings of a data folder."""
    settings = Settings(data_dir=data_dir, **({"encoder": encoder} if encoder else {}))
    return load_examples(Warehouse(settings.corpus_dir), settings, [EMBEDDINGS]).having(EMBEDDINGS)


def main() -> None:
    """Evaluate each variant, print UAR and the difference to the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--other-encoder", help="SER_ENCODER of the other data folder")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    examples = embedded(arguments.data, None)
    variants: dict[str, Variant] = {AS_IT_IS: as_it_is, "takes alone, no copies": takes_alone}
    variants |= {f"layer {number} alone": one_layer(number) for number in examples[EMBEDDINGS].layers}
    variants["test takes at three speeds"] = three_speeds(examples)
    if arguments.other:
        other = embedded(arguments.other, arguments.other_encoder)
        variants["with the other encoder"] = two_encoders(other)
    predictions = pd.concat([predicted(examples, name, variant) for name, variant in variants.items()])
    scores = score_table(predictions)
    differences = score_differences(predictions)
    rows = []
    for (protocol, name), own in scores[scores["metric"] == "uar"].groupby(["protocol", "model"], sort=False):
        pair = differences[(differences["protocol"] == protocol) & (differences["metric"] == "uar")]
        pair = pair[[set(both) == {name, AS_IT_IS} for both in pair[["model", "other"]].itertuples(index=False)]]
        row = {"protocol": protocol, "variant": name, "uar": own["value"].item()}
        if len(pair):
            sign = 1 if pair["model"].item() == name else -1
            bounds = sorted((sign * pair["low"].item(), sign * pair["high"].item()))
            row |= {"difference": sign * pair["difference"].item(), "low": bounds[0], "high": bounds[1]}
        rows.append(row)
    print(f"{examples.rows['take_id'].nunique()} takes, {len(examples.actors)} actors, luna5, C = {STRENGTH}")
    print(pd.DataFrame(rows).round(3).to_string(index=False))
    write_json(rows, arguments.json)


if __name__ == "__main__":
    main()
