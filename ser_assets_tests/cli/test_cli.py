"""The command `ser-assets`: what it takes, what it refuses, what it says."""

from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from ser_assets.baseline import models as baseline_models
from ser_assets.baseline import reproduce
from ser_assets.cli import main
from ser_assets.cli.parameters import ActorRange, chosen_actors
from ser_assets.corpus.demo import corpus as demo
from ser_assets.corpus.ravdess import speech_takes
from ser_assets.corpus.table.corpus import Table
from ser_assets.definitions import build_definitions
from ser_assets.learning.models.catalog import MODELS
from ser_assets.orchestration.run_config import ConfigError
from ser_assets.orchestration.runner import RunOutcome, refresh
from ser_assets.runtime import progress
from ser_assets.settings import Settings
from ser_assets_tests.factories.examples import made_up_predictions


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ("text", "actors"),
    [("7", ("07",)), ("1-3", ("01", "02", "03")), ("1,3,5-6", ("01", "03", "05", "06")), ("2, 2,01", ("01", "02"))],
)
def test_actors_are_written_as_people_write_them(text: str, actors: tuple[str, ...]) -> None:
    assert ActorRange().convert(text, None, None) == actors


@pytest.mark.parametrize("text", ["", "x", "1-", "-3", "0", "25", "5-1", "1..3"])
def test_what_names_no_actor_is_refused(text: str) -> None:
    result = call("run", "--actors", text)
    assert result.exit_code == 2
    assert "actor" in result.output


@pytest.mark.parametrize(
    ("text", "actors"),
    [
        ("1", ("1",)),
        ("10, 2", ("2", "10")),
        ("1-3", ("1", "2", "3")),
        ("2...10", ("2", "3", "10")),
        ("Ann-Lee", ("Ann-Lee",)),
        ('"Lee, Ann",3', ("3", "Lee, Ann")),
        ("Lee, Ann", ("Lee, Ann",)),
        ("Ann-Lee...Bob", ("Ann-Lee", "Bob")),
    ],
)
def test_speakers_of_a_table_are_written_as_people_write_them(
    tmp_path: Path, text: str, actors: tuple[str, ...]
) -> None:
    assert chosen_actors(speakers(tmp_path), text) == actors


@pytest.mark.parametrize("text", ["", " ,", "4", "1-4", "10-2", "3...", "ann-lee", "Ann"])
def test_a_speaker_that_is_not_in_the_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"there is no|names no actors"):
        chosen_actors(speakers(tmp_path), text)


def speakers(folder: Path) -> Table:
    names = ["10", "2", "1", "3", "Bob", "Ann-Lee", '"Lee, Ann"']
    rows = [f"{number}.wav,{name},joy" for number, name in enumerate(names)]
    (folder / "voices.csv").write_text("\n".join(["path,speaker,emotion", *rows]))
    return Table(folder / "voices.csv")


def test_a_run_ends_with_the_number_of_rows_that_it_left_out(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["path,speaker,emotion", "a.wav,Ann,joy", "b.wav,Bob,fear", "c.wav,Ann, Lee,fear", "d.wav,N/A,joy"]
    (tmp_path / "voices.csv").write_text("\n".join(rows))
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(tmp_path / "voices.csv"))
    monkeypatch.setattr("ser_assets.orchestration.runner.refresh", lambda *_: RunOutcome(finished=False, failures=[]))
    result = call("run")
    assert result.exit_code == 0
    assert result.output.endswith("2 files without an actor left out: `ser-assets doctor` lists them with the remedy\n")
    assert not settings.raw_dir.exists()


def test_help_names_the_commands() -> None:
    result = call("--help")
    assert result.exit_code == 0
    assert {"demo-corpus", "download", "run", "scores"} <= set(result.output.split())


def test_a_run_without_recordings_says_where_they_belong_and_how_to_make_some(settings: Settings) -> None:
    result = call("run")
    assert result.exit_code == 1
    assert f"no recordings under {settings.raw_dir}" in result.output
    assert "ser-assets download" in result.output
    assert "ser-assets demo-corpus" in result.output


def test_scores_before_any_run_are_asked_for_by_name(settings: Settings) -> None:
    result = call("scores")
    assert result.exit_code == 1
    assert "`ser-assets run` computes them" in result.output
    assert not settings.data_dir.exists()


def test_a_damaged_database_is_named_with_the_remedy(settings: Settings) -> None:
    settings.corpus_dir.mkdir(parents=True)
    (settings.corpus_dir / "ser.duckdb").write_bytes(b"garbage" * 1000)
    result = call("scores")
    assert result.exit_code == 1
    assert "ser.duckdb was damaged" in result.output
    assert "`ser-assets run` makes a new one" in result.output.replace("\n", " ")


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_SAMPLING_RATE", "400")
    result = call("run")
    assert result.exit_code == 1
    assert "SER_SAMPLING_RATE" in result.output


@pytest.mark.usefixtures("settings")
def test_one_wrong_setting_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_CORPUS", "tabel")  # codespell:ignore
    output = call("scores").output
    assert "SER_CORPUS: " in output
    assert "SER_FOLD_SCHEMES" not in output


def test_a_demo_corpus_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "speech_takes", lambda actor: speech_takes(actor)[:2])
    first = call("demo-corpus", str(tmp_path), "--actors", "1")
    assert first.exit_code == 0, first.output
    assert "2 recordings written" in first.output
    assert len(list(tmp_path.rglob("*.mp4"))) == 2
    assert "0 recordings written" in call("demo-corpus", str(tmp_path), "--actors", "1").output


def a_reproduction() -> pd.DataFrame:
    """What a reproduction hands back whose models all guess alike."""
    guesses = [
        made_up_predictions(("01", "02"), model=model).assign(protocol=protocol)
        for model in baseline_models.MODELS
        for protocol in ("notebook", "speaker_independent")
    ]
    return baseline_models.baseline_scores(pd.concat(guesses), draws=20)


@pytest.mark.usefixtures("settings")
def test_a_reproduction_prints_what_is_claimed_beside_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        reproduce, "reproduce_notebook", lambda _settings, actors: (asked.append(actors), a_reproduction())[1]
    )
    result = call("reproduce-notebook", "--actors", "1-2")
    assert result.exit_code == 0, result.output
    assert asked == [("01", "02")]
    assert "0.742" in result.stdout
    assert "Random Forest from" in result.stdout
    assert "the score for a new speaker is the column of unseen actors" in result.stdout
    assert "--select metrics_report" in result.stdout


@pytest.mark.usefixtures("settings")
def test_a_reproduction_as_markdown_prints_the_table_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell_and_hand_back(*_: object) -> pd.DataFrame:
        progress.report("cnn", 6, 6)
        return a_reproduction()

    monkeypatch.setattr(reproduce, "reproduce_notebook", tell_and_hand_back)
    result = call("reproduce-notebook", "--markdown")
    assert result.exit_code == 0, result.output
    assert all(line.startswith("|") for line in result.stdout.splitlines())
    assert "cnn: 6 of 6 done" in result.stderr
    assert "Random Forest from" in result.stderr


@pytest.mark.usefixtures("settings")
def test_a_reproduction_without_recordings_ends_with_the_remedy() -> None:
    result = call("reproduce-notebook")
    assert result.exit_code == 1
    assert "no recordings are materialized" in result.output
    assert "`ser-assets run`" in result.output


def test_a_study_of_an_unknown_model_names_those_of_the_catalogue() -> None:
    result = call("study", "settings", "svm")
    assert result.exit_code == 2
    assert f"there is no model 'svm'; there are {', '.join(MODELS)}" in result.output


@pytest.mark.parametrize("question", [("ablation",), ("profile-size",), ("settings", "cnn")])
def test_a_study_without_features_says_what_to_do(settings: Settings, question: tuple[str, ...]) -> None:  # noqa: ARG001
    result = call("study", *question)
    assert result.exit_code == 1
    assert "no features in" in result.output
    assert "materialize features" in result.output.replace("\n", " ")


@pytest.mark.parametrize(("text", "reason"), [("{", "is not JSON"), ("[]", "is no JSON object")])
def test_a_config_that_is_no_json_object_is_refused(text: str, reason: str) -> None:
    result = call("run", "--config-json", text)
    assert result.exit_code == 2
    assert reason in result.output


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"epoch": 5}, 'unexpected config entry "epoch"'),
        ({"ops": {"cn": {}}}, 'unexpected config entry "cn"'),
        ({"ops": {"cnn": {"config": {"epochs": "x"}}}}, "ops:cnn:config:epochs"),
        ({"ops": {"cnn": {"config": {"filters": []}}}}, "cnn: filters: "),
        ({"ops": {"neural_network": {"config": {"dropout": 2.0}}}}, "neural_network: dropout: "),
        ({"loggers": {"console": {"config": {"log_level": "HUH"}}}}, "not loggers"),
        ({"ops": {"features": {"config": {"x": 0}}}}, "features has no settings (x); these assets have: "),
    ],
)
def test_a_wrong_config_is_named_before_anything_runs(settings: Settings, config: dict, reason: str) -> None:
    def nobody_asks() -> list[str]:
        raise AssertionError("the refresh has begun")

    with pytest.raises(ConfigError) as error:
        refresh(build_definitions(settings), ["01"], nobody_asks, config)
    assert reason in str(error.value)
    assert not settings.data_dir.exists()
