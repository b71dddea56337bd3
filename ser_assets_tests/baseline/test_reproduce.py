"""The notebook's reproduction, from clips at rest to its table, on a few sung takes of three actors."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ser_assets.baseline import models as baseline_models
from ser_assets.baseline.features import COPIES_OF_NEUTRAL, MEANS, SAMPLING_RATE, notebook_clips, notebook_means
from ser_assets.baseline.models import baseline_scores
from ser_assets.baseline.reproduce import (
    ReproductionError,
    notebook_examples,
    reproduce_notebook,
    reproduction_for_terminal,
    reproduction_markdown,
)
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.corpus.raw_video import RawVideo
from ser_assets.runtime import progress
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles, ClipsMissingError
from ser_assets.storage.clips import Clip
from ser_assets.storage.tables import NOTEBOOK_REPRODUCTION, RAW_VIDEOS, dataclass_table
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.examples import made_up_predictions
from ser_assets_tests.factories.media import voice
from ser_assets_tests.factories.stored_data import put

ACTORS = ("01", "02", "03")
REPETITIONS = 2
"""Takes of each emotion from each actor: all in all 48 originals and 18 copies of neutral ones."""


def sing(settings: Settings, *actors: str, sampling_rate: int = SAMPLING_RATE, demo: bool = False) -> list[Clip]:
    """Put clips and inventory of these actors to rest, as `raw_videos` and `mono_audio` would."""
    warehouse, files = Warehouse(settings.corpus_dir), ActorFiles(settings.corpus_dir)
    clips = [
        Clip(
            take_id=f"01-{number:02d}-01-01-{repetition:02d}-{actor}",
            variant=0,
            actor=actor,
            voice=actor,
            emotion=emotion,
            intensity="normal",
            statement="Kids are talking by the door",
            repetition=repetition,
            gender="male" if int(actor) % 2 else "female",
            audio_hash=f"{number} {repetition} {actor}",
            samples=voice(0.6, 100 + 20 * number + int(actor), sampling_rate, seed=repetition),
            sampling_rate=sampling_rate,
        )
        for actor in actors
        for number, emotion in enumerate(EMOTIONS, start=1)
        for repetition in range(1, REPETITIONS + 1)
    ]
    for actor in actors:
        own = [clip for clip in clips if clip.actor == actor]
        rows = [
            RawVideo(f"{clip.take_id}.wav", actor, 1, take_id=clip.take_id, audio_hash=clip.audio_hash, demo=demo)
            for clip in own
        ]
        warehouse.replace_rows(RAW_VIDEOS, dataclass_table(rows), {"actor": actor})
        put(files, "mono_audio", actor, own)
    return clips


def examples_of(settings: Settings, *actors: str) -> baseline_models.Examples:
    return notebook_examples(Warehouse(settings.corpus_dir), ActorFiles(settings.corpus_dir), 1, actors or None)


def reject(settings: Settings, take_id: str) -> None:
    with Warehouse(settings.corpus_dir).writing() as connection:
        connection.execute(f"UPDATE {RAW_VIDEOS} SET status = 'rejected' WHERE take_id = ?", [take_id])


@pytest.fixture
def _forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small forest in the place of every model: the way from clips to table is the same."""
    monkeypatch.setattr(
        baseline_models, "MODELS", dict.fromkeys(baseline_models.MODELS, baseline_models.MODELS["random_forest"])
    )
    monkeypatch.setattr(baseline_models, "TREES", 10)


@pytest.fixture
def table() -> pd.DataFrame:
    """What would be measured if all models guessed the same."""
    guesses = [
        made_up_predictions(("01", "02", "03", "04", "05"), takes_each=takes, model=model).assign(protocol=protocol)
        for model in baseline_models.MODELS
        for protocol, takes in (("notebook", 2), ("speaker_independent", 3))
    ]
    return baseline_scores(pd.concat(guesses), draws=20)


def test_every_take_is_measured_and_every_neutral_one_three_times_more(settings: Settings) -> None:
    clips = sing(settings, *ACTORS)
    examples = examples_of(settings)
    variants = examples.rows.groupby("take_id")["variant"].apply(list).to_dict()
    expected = {clip.take_id: [0, 1, 2, 3] if clip.emotion == "neutral" else [0] for clip in clips}
    assert variants == expected
    assert examples["functionals"].names == MEANS
    first = notebook_clips(clips[0].samples, SAMPLING_RATE, clips[0].take_id, "neutral")
    means = np.stack([notebook_means(samples, SAMPLING_RATE) for samples in first])
    np.testing.assert_allclose(examples["functionals"].values[:4], means, rtol=1e-6)


def test_copies_differ_from_their_take_and_from_each_other_and_are_the_same_each_time() -> None:
    samples = voice(0.6, rate=SAMPLING_RATE)
    clips = notebook_clips(samples, SAMPLING_RATE, "a take", "neutral")
    means = np.stack([notebook_means(clip, SAMPLING_RATE) for clip in clips])
    assert len(np.unique(means.round(6), axis=0)) == 1 + len(COPIES_OF_NEUTRAL)
    for clip, again in zip(clips, notebook_clips(samples, SAMPLING_RATE, "a take", "neutral"), strict=True):
        np.testing.assert_array_equal(clip, again)


@hypothesis_settings(max_examples=15, deadline=None)
@given(gap=st.floats(0.2, 1.0), level=st.sampled_from([0.01, 0.1, 1.0]))
def test_silence_is_cut_inside_the_clip_too_however_loud_it_is(gap: float, level: float) -> None:
    tone = voice(0.6, rate=SAMPLING_RATE)
    silence = np.zeros(int(gap * SAMPLING_RATE), np.float32)
    [alone] = notebook_clips(level * tone, SAMPLING_RATE, "a take", "sad")
    [twice] = notebook_clips(level * np.concatenate([tone, silence, tone]), SAMPLING_RATE, "a take", "sad")
    assert len(twice) == pytest.approx(2 * len(alone), abs=4 * 512)


@pytest.mark.usefixtures("_forests")
def test_the_reproduction_rests_in_its_table_in_the_place_of_the_last_one(settings: Settings) -> None:
    sing(settings, *ACTORS)
    told = []
    with progress.listening(lambda *news: told.append(news)):
        reproduce_notebook(settings)
    table = reproduce_notebook(settings, ["01", "02"])
    stored = Warehouse(settings.corpus_dir).query(f"FROM {NOTEBOOK_REPRODUCTION}")
    pd.testing.assert_frame_equal(stored.drop(columns="demo"), table, check_dtype=False)
    assert not stored["demo"].any()
    unseen = stored[stored["way"] == "unseen_actors"]
    assert set(unseen["actors"]) == {2}
    assert set(unseen["takes"]) == {2 * REPETITIONS * len(EMOTIONS)}
    assert {name for name, done, total in told if done == total} == {"notebook means", *baseline_models.MODELS}


def test_a_take_that_is_not_accepted_is_neither_learned_from_nor_judged(settings: Settings) -> None:
    clips = sing(settings, *ACTORS)
    reject(settings, clips[0].take_id)
    assert clips[0].take_id not in set(examples_of(settings).rows["take_id"])


def test_a_clip_of_a_recording_that_has_been_replaced_is_left_out(settings: Settings) -> None:
    first, *others = sing(settings, *ACTORS)
    own = [clip for clip in others if clip.actor == "01"]
    changed = [dataclasses.replace(first, audio_hash="another"), *own]
    put(ActorFiles(settings.corpus_dir), "mono_audio", "01", changed)
    assert first.take_id not in set(examples_of(settings).rows["take_id"])


def test_demo_voices_yield_to_people(settings: Settings) -> None:
    sing(settings, "01", "02")
    sing(settings, "03", demo=True)
    assert examples_of(settings).actors == ("01", "02")
    with pytest.raises(ReproductionError, match="no take of actors 03 may be used"):
        examples_of(settings, *ACTORS)


def test_only_the_actors_that_are_asked_for_are_heard(settings: Settings) -> None:
    sing(settings, *ACTORS)
    assert examples_of(settings, "03", "01").actors == ("01", "03")


def test_without_clips_the_remedy_is_named(settings: Settings) -> None:
    with pytest.raises(ReproductionError, match=r"no recordings are materialized .* `ser-assets run`"):
        reproduce_notebook(settings)
    assert not settings.data_dir.exists()


def test_an_actor_without_clips_is_asked_for_by_name(settings: Settings) -> None:
    sing(settings, "01", "02")
    with pytest.raises(ReproductionError, match=r"actors 03, 10 .*--actors 3,10`"):
        reproduce_notebook(settings, ["01", "03", "10"])


@pytest.mark.parametrize("actors", [("01",), ("02", "05")])
def test_actors_who_leave_nobody_to_train_on_are_refused(settings: Settings, actors: tuple[str, ...]) -> None:
    sing(settings, *actors)
    with pytest.raises(
        ReproductionError, match=f"no actor is left to train on: actors {', '.join(actors)} are all in one fold"
    ):
        reproduce_notebook(settings)


def test_too_few_clips_for_the_notebooks_split_are_refused(settings: Settings) -> None:
    clips = sing(settings, "01", "02")
    for clip in clips[4:]:
        if clip.repetition == 2:
            reject(settings, clip.take_id)
    for clip in clips[-6:]:
        reject(settings, clip.take_id)
    with pytest.raises(ReproductionError, match=r"cannot reproduce the notebook on actors 01, 02: .*too few"):
        reproduce_notebook(settings)


def test_clips_of_another_sampling_rate_than_the_notebooks_are_refused(settings: Settings) -> None:
    sing(settings, "01", "02", sampling_rate=16000)
    with pytest.raises(ReproductionError, match="at 16000 Hz: materialize them with SER_SAMPLING_RATE=22050"):
        reproduce_notebook(settings)


def test_another_corpus_than_ravdess_is_refused(settings: Settings) -> None:
    first, *others = sing(settings, "01", "02")
    own = [clip for clip in others if clip.actor == "01"]
    put(ActorFiles(settings.corpus_dir), "mono_audio", "01", [dataclasses.replace(first, emotion="joy"), *own])
    with pytest.raises(ReproductionError, match="of RAVDESS and can be reproduced on it alone: 01 performs joy"):
        reproduce_notebook(settings)
    sing(settings, "25")
    with pytest.raises(
        ReproductionError, match="of RAVDESS and can be reproduced on it alone: 25 is none of its actors"
    ):
        reproduce_notebook(settings, ["02", "25"])


def test_damaged_clips_are_named(settings: Settings) -> None:
    sing(settings, "01", "02")
    ActorFiles(settings.corpus_dir).path("mono_audio", "02").write_bytes(b"garbage")
    with pytest.raises(ClipsMissingError, match=r"actor_02\.parquet was damaged"):
        reproduce_notebook(settings)


def test_the_tables_show_models_by_ways_accuracy_first(table: pd.DataFrame) -> None:
    shown = reproduction_for_terminal(table)
    assert [str(column.header) for column in shown.columns][1] == "Model"
    assert list(shown.columns[0].cells)[::4] == ["Accuracy", "F1 (weighted)", "ROC AUC"]
    assert list(shown.columns[1].cells)[:4] == ["Random Forest", "Neural Network", "CNN", "Complex CNN"]
    assert next(iter(shown.columns[2].cells)) == "0.742"
    assert next(iter(shown.columns[3].cells)) == "0.693"


def test_the_markdown_has_every_value_with_its_interval(table: pd.DataFrame) -> None:
    header, rule, *lines = reproduction_markdown(table).splitlines()
    assert len(lines) == 3 * 4
    assert {line.count("|") for line in (header, rule, *lines)} == {7}
    for row in table[table["takes"] > 0].itertuples():
        assert f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" in "\n".join(lines)
