"""One training at a time in a data folder; a run that waits logs what it waits for."""

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import dagster as dg
import pytest

from ser_assets.assets.training.turn import kept_until_the_run_ends, other_training, training_turn
from ser_assets.settings import Settings
from ser_assets.storage import turns


def train(data_dir: Path, training: Event, done: Event) -> None:
    with training_turn(dg.build_asset_context(), Settings(data_dir=data_dir)):
        training.set()
        done.wait(60)


@pytest.fixture
def spawn() -> multiprocessing.context.SpawnContext:
    return multiprocessing.get_context("spawn")


def test_a_second_process_waits_until_the_first_has_trained_and_names_it(
    settings: Settings,
    spawn: multiprocessing.context.SpawnContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "FIRST_NOTICE_SECONDS", 0.1)
    monkeypatch.setattr(turns, "NEXT_NOTICE_SECONDS", 0.1)
    training, done = spawn.Event(), spawn.Event()
    first = spawn.Process(target=train, args=(settings.data_dir, training, done))
    first.start()
    assert training.wait(60)
    assert f"process {first.pid} on " in other_training(settings.data_dir)
    context = dg.build_asset_context()
    waits: list[str] = []

    def note(message: str, *_: object) -> None:
        waits.append(message)
        if len(waits) == 3:
            done.set()

    monkeypatch.setattr(context.log, "warning", note)
    with training_turn(context, settings):
        assert done.is_set()
    first.join(60)
    assert first.exitcode == 0
    assert all(message.startswith(f"waiting for another training in {settings.data_dir}") for message in waits)
    assert all(f"in use by process {first.pid}" in message for message in waits)


def test_a_process_that_was_killed_holds_up_no_one(
    settings: Settings, spawn: multiprocessing.context.SpawnContext
) -> None:
    training, done = spawn.Event(), spawn.Event()
    first = spawn.Process(target=train, args=(settings.data_dir, training, done))
    first.start()
    assert training.wait(60)
    first.kill()
    first.join(60)
    assert other_training(settings.data_dir) == ""
    with training_turn(dg.build_asset_context(), settings):
        pass


def test_the_turn_ends_with_the_asset_or_with_the_run_that_keeps_it(settings: Settings) -> None:
    with training_turn(dg.build_asset_context(), settings):
        assert other_training(settings.data_dir)
    assert other_training(settings.data_dir) == ""
    with kept_until_the_run_ends():
        for _ in ("one model", "the next"):
            with training_turn(dg.build_asset_context(), settings):
                pass
            assert other_training(settings.data_dir)
    assert other_training(settings.data_dir) == ""


def test_other_data_folders_train_on(settings: Settings, tmp_path: Path) -> None:
    with training_turn(dg.build_asset_context(), settings):
        assert other_training(tmp_path / "elsewhere") == ""
