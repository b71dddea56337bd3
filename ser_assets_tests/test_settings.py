"""Knobs are read from the environment, and a wrong one is told."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ser_assets.chosen_corpus import corpus_of
from ser_assets.corpus.interface import CorpusError
from ser_assets.settings import Settings


def test_a_knob_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_SAMPLING_RATE", "16000")
    monkeypatch.setenv("SER_TRIM_MODE", "everywhere")
    assert (Settings().sampling_rate, Settings().trim_mode) == (16000, "everywhere")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SER_SAMPLING_RATE", "400"),
        ("SER_SAMPLING_RATE", "much"),
        ("SER_TRIM_MODE", "sometimes"),
        ("SER_TRIM_TOP_DB", "-3"),
        ("SER_EXTRA_COPIES", "-1"),
        ("SER_SEED", "-1"),
        ("SER_SEED", "99999999999"),
        ("SER_TRIM_TOP_DB", "inf"),
        ("SER_DATA_DIR", ""),
        ("SER_RETRAIN_CRON", "garbage"),
        ("SER_NOISE_MIN_SNR_DB", "90"),
        ("SER_FOLD_SCHEMES", "ten"),
        ("SER_FOLD_SCHEMES", ""),
        ("SER_PROTOCOLS", "speaker_independent,by_clip"),
        ("SER_PROTOCOLS", "random_split"),
        ("SER_RETRAIN_TIMEZONE", "Mars/Base"),
        ("SER_ZENODO_URL", "zenodo.org"),
        ("SER_ZENODO_URL", "https://"),
        ("SER_SPEED_PERTURBATION", ""),
        ("SER_SPEED_PERTURBATION", "deep"),
        ("SER_SPEED_PERTURBATION", "0.92,1"),
        ("SER_SPEED_PERTURBATION", "0.92,0.92"),
        ("SER_SPEED_PERTURBATION", "0.4"),
        ("SER_SPEED_PERTURBATION", "2.1"),
        ("SER_SPEED_PERTURBATION", "nan"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("SER_").lower()):
        Settings()


def test_several_are_listed_with_commas_and_come_in_their_usual_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_FOLD_SCHEMES", "emobox6, luna5,emobox6")
    monkeypatch.setenv("SER_PROTOCOLS", "random_split,speaker_independent")
    assert Settings().fold_schemes == ("luna5", "emobox6")
    assert Settings().protocols == ("speaker_independent", "random_split")
    assert Settings().as_text("fold_schemes") == "luna5,emobox6"


@pytest.mark.parametrize(
    ("text", "speeds"), [("0.92,1.09", (0.92, 1.09)), ("1.1", (1.1,)), ("2.0,0.5", (2, 0.5)), ("none", ())]
)
def test_voices_are_speeds_in_the_order_given_and_are_written_as_they_are_read(
    monkeypatch: pytest.MonkeyPatch, text: str, speeds: tuple[float, ...]
) -> None:
    monkeypatch.setenv("SER_SPEED_PERTURBATION", text)
    assert Settings().speed_perturbation == speeds
    assert Settings().as_text("speed_perturbation") == text


def test_a_mirror_is_written_with_or_without_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_ZENODO_URL", "http://mirror:8000/ravdess/")
    assert Settings().zenodo_url == "http://mirror:8000/ravdess"


def test_two_voices_are_the_default() -> None:
    assert Settings().speed_perturbation == (0.92, 1.09)


def test_every_knob_has_a_description() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_no_worker_count_means_one_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_WORKERS", "0")
    assert Settings().worker_count >= 1


def test_folds_of_ravdess_are_refused_for_a_table_which_has_its_own() -> None:
    assert Settings(corpus="table").fold_schemes == ("groups5",)
    assert Settings().fold_schemes == ("luna5",)
    with pytest.raises(ValidationError, match="'luna5' is no fold scheme of this corpus; there are loso, groups5"):
        Settings(corpus="table", fold_schemes=("luna5",))


def test_the_settings_say_whether_names_that_differ_little_are_different_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "voices.csv").write_text("path,speaker,emotion\na.wav,Ann,joy\nb.wav,ann,fear\n")
    own = {"corpus": "table", "corpus_table": tmp_path / "voices.csv"}
    with pytest.raises(CorpusError, match="may be one person"):
        _ = corpus_of(Settings(**own)).actors
    monkeypatch.setenv("SER_DISTINCT_SPEAKERS", "true")
    assert corpus_of(Settings(**own)).actors == ("Ann", "ann")
