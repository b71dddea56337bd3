"""Recordings of one's own: speakers and emotions of any names, from examples to a bundle that is asked."""

import csv
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.corpus.table.corpus import Table
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.evaluation.evaluate import Evaluation, FinalFit, evaluate
from ser_assets.learning.evaluation.hard_takes import misclassified_by_all
from ser_assets.learning.evaluation.scores import recall_by_emotion, score_differences, score_table, scores_by_group
from ser_assets.learning.models.catalog import MODELS
from ser_assets.learning.models.ensemble import evaluate_ensemble, save_ensemble
from ser_assets.learning.models.settings import DenseSettings, ForestSettings
from ser_assets.learning.protocols.fold_schemes import GROUPS5
from ser_assets.learning.protocols.protocols import make_splits
from ser_assets.learning.speakers.prior import SpeakerPrior
from ser_assets.learning.speakers.profile import SpeakerProfile
from ser_assets.reporting.page import write_report
from ser_assets.reporting.report_data import ReportData
from ser_assets.serving import batch
from ser_assets.serving.bundle import open_bundle
from ser_assets.serving.predictor import MeasuredRecording, Predictor, features_of, measure_recording
from ser_assets.serving.write_bundle import write_bundle
from ser_assets_tests.factories.bundles import MEASUREMENT, contents
from ser_assets_tests.factories.media import voice, write_wav

OWN = CorpusIdentity("table-voices", "voices.csv", Table.licence)
EMOTIONS = ("not sure", "Ärger", "joy", 'a "b", c', "fear")
SPEAKERS = ("Anna B", "ben", "Çağrı")
MISSING = {("Anna B", "joy"), *((speaker, "fear") for speaker in SPEAKERS[1:])}
"""Anna B never performs joy, and nobody but her performs fear."""
PROTOCOLS = ["speaker_independent", "speaker_normalised"]
FACTORIES = {
    "random_forest": ForestSettings(n_estimators=5, validation_forests=2, validation_trees=3),
    "neural_network": DenseSettings(members=1, epochs=2, units=(8,)),
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, int], Path]:
    """Two of each emotion that a speaker performs, each emotion at a pitch of its own."""
    folder = tmp_path_factory.mktemp("recordings")
    takes = [
        (speaker, emotion, take)
        for speaker in SPEAKERS
        for emotion in EMOTIONS
        for take in (1, 2)
        if (speaker, emotion) not in MISSING
    ]
    return {
        (speaker, emotion, take): write_wav(
            folder / f"{number}.wav", voice(0.5, 90 + 40 * EMOTIONS.index(emotion) + number % 7, seed=number)
        )
        for number, (speaker, emotion, take) in enumerate(takes)
    }


@pytest.fixture(scope="module")
def heard(recordings: dict[tuple[str, str, int], Path]) -> list[MeasuredRecording]:
    measured = [measure_recording(path, MEASUREMENT) for path in recordings.values()]
    return [each for each in measured if isinstance(each, MeasuredRecording)]


@pytest.fixture(scope="module")
def examples(recordings: dict[tuple[str, str, int], Path], heard: list[MeasuredRecording]) -> Examples:
    rows = pd.DataFrame(list(recordings), columns=["actor", "emotion", "take"])
    rows = rows.assign(
        take_id=[path.stem for path in recordings.values()], variant=0, corpus="table-voices", voice=rows["actor"]
    )
    rows = rows.assign(audio_hash=rows["take_id"], voice=rows["actor"], gender=None, intensity=None, statement=None)
    return Examples(**vars(features_of(heard)), rows=rows, emotions=EMOTIONS)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def judgements(examples: Examples, kept: Path) -> dict[str, Evaluation]:
    splits = make_splits(examples.rows, PROTOCOLS, [GROUPS5], 42)
    made = {}
    for name, settings in FACTORIES.items():
        folders = [kept / kind / name for kind in ("raw", "speaker_normalised")]
        for folder in folders:
            folder.mkdir(parents=True)
        to_keep = [
            FinalFit(folder, speaker_normalised=folder.parent.name == "speaker_normalised") for folder in folders
        ]
        made[name] = evaluate(functools.partial(MODELS[name].load_class(), settings, 1), examples, splits, to_keep)
    return made


def together(judgements: dict[str, Evaluation], table: str) -> pd.DataFrame:
    return pd.concat([getattr(judgement, table) for judgement in judgements.values()], ignore_index=True)


@pytest.fixture(scope="module")
def predictions(judgements: dict[str, Evaluation]) -> pd.DataFrame:
    members = together(judgements, "predictions")
    return pd.concat(
        [members, evaluate_ensemble("ensemble", members, together(judgements, "validation_predictions"))[0]]
    )


def test_every_model_gives_a_probability_to_each_emotion_in_their_order(predictions: pd.DataFrame) -> None:
    columns = [f"p_{emotion}" for emotion in EMOTIONS]
    assert [column for column in predictions if column.startswith("p_")] == columns
    np.testing.assert_allclose(predictions[columns].sum(axis=1), 1)
    assert set(predictions["model"]) == {*FACTORIES, "ensemble"}


def test_an_emotion_of_one_speaker_is_never_recognised_where_that_speaker_is_judged(predictions: pd.DataFrame) -> None:
    forest = predictions.query("model == 'random_forest' and protocol == 'speaker_independent'")
    recalls = recall_by_emotion(forest).set_index("emotion")["recall"]
    assert list(recalls.index) == list(EMOTIONS)
    assert recalls["fear"] == 0


def test_speakers_who_do_not_perform_all_emotions_are_scored_on_those_that_they_do(predictions: pd.DataFrame) -> None:
    scores = score_table(predictions, draws=50)
    assert np.isfinite(scores["value"]).all()
    assert np.isfinite(score_differences(predictions, draws=50)["difference"]).all()


def test_the_report_is_written(predictions: pd.DataFrame, examples: Examples, tmp_path: Path) -> None:
    takes = examples.rows.assign(seconds=0.5)
    groups = scores_by_group(predictions, takes, draws=20)
    assert set(groups["grouping"]) == {"emotion", "actor"}
    one = predictions[predictions["protocol"] == "speaker_independent"]
    data = ReportData(
        corpus=OWN,
        predictions=predictions,
        scores=score_table(predictions, draws=20),
        group_scores=groups,
        missed_count=misclassified_by_all(one)["take_id"].nunique(),
        takes=takes,
    )
    page = write_report(data, tmp_path / "report").read_text(encoding="utf-8")
    assert "RAVDESS" not in page
    assert json.loads((tmp_path / "report/report.json").read_text())["emotions"] == list(EMOTIONS)


@pytest.fixture(scope="module")
def bundle(judgements: dict[str, Evaluation], examples: Examples, kept: Path, tmp_path_factory: Any) -> Path:
    scores = score_table(judgements["random_forest"].predictions, draws=20)
    for kind in ("raw", "speaker_normalised"):
        (kept / kind / "ensemble").mkdir()
        save_ensemble(kept / kind / "ensemble", kept / kind, dict.fromkeys(FACTORIES, 0.5))
    folder: Path = tmp_path_factory.mktemp("bundle")
    parts = {
        "prior": SpeakerPrior.learn(examples),
        "scores": scores.assign(model="ensemble"),
        "demo": False,
        "corpus": OWN,
    }
    write_bundle(folder, contents(kept, model="ensemble", **parts))
    return folder


def test_a_bundle_says_whose_emotions_it_tells_and_nothing_of_ravdess(bundle: Path) -> None:
    facts = open_bundle(bundle).facts
    card = (bundle / "model_card.md").read_text(encoding="utf-8")
    assert facts["emotions"] == list(EMOTIONS)
    assert facts["training"]["licence"] == "that of the recordings it learned from"
    assert 'each of 5 emotions: not sure, Ärger, joy, a "b", c and fear' in card
    assert "chance is 0.200 for UAR" in card
    assert "RAVDESS" not in card


def test_a_bundle_is_asked_and_answers_in_its_own_emotions(
    bundle: Path, heard: list[MeasuredRecording], tmp_path: Path
) -> None:
    predictor = batch.open_predictor(bundle, None)
    results = predictor.predict(heard[:3])
    assert [list(each.probabilities) for each in results] == [list(EMOTIONS)] * 3
    batch.write_csv(results, tmp_path / "said.csv", predictor.emotions)
    with (tmp_path / "said.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "path",
        "emotion",
        *(f"p_{emotion}" for emotion in EMOTIONS),
        "seconds",
        "remarks",
        "error",
        "remedy",
    ]
    assert sum(float(rows[0][f"p_{emotion}"]) for emotion in EMOTIONS) == pytest.approx(1, abs=1e-5)


def test_a_speaker_is_calibrated_for_it(
    bundle: Path, recordings: dict[tuple[str, str, int], Path], tmp_path: Path
) -> None:
    own = [path for (speaker, _, _), path in recordings.items() if speaker == "ben"]
    batch.enrol_speaker(own, tmp_path / "ben.json", bundle, workers=1)
    assert {len(bias) for bias in SpeakerProfile.load(tmp_path / "ben.json").bias.values()} == {len(EMOTIONS)}
    predictor: Predictor = batch.open_predictor(bundle, tmp_path / "ben.json")
    assert predictor.has_bias_for_model
    [message] = batch.predict_recordings(own[:1], predictor, workers=1)
    assert message.emotion in EMOTIONS  # type: ignore[union-attr]
