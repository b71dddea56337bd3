"""`ser-assets demo`: a corpus, a short run, and what to try next."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ser_assets.cli import demo_run, main
from ser_assets.model_settings import model_settings
from ser_assets.settings import Settings
from ser_assets_tests.factories.media import voice, write_wav

Calls = list[tuple[Settings, tuple[str, ...]]]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record what would be materialized; one file stands for the corpus."""
    monkeypatch.setenv("SER_DATA_DIR", str(tmp_path))
    made: Calls = []

    def make(folder: Path, *_: object) -> int:
        write_wav(folder / "Actor_01" / "a.wav", voice()).rename(folder / "Actor_01" / "a.mp4")
        return 1

    monkeypatch.setattr("ser_assets.corpus.demo.corpus.make_demo_corpus", make)
    monkeypatch.setattr(demo_run, "materialize", lambda settings, actors: made.append((settings, actors)))
    return made


def test_it_trains_shortly_under_two_protocols_and_lists_what_to_try_next(calls: Calls, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", "--actors", "1-2"])
    assert result.exit_code == 0, result.output
    [(settings, actors)] = calls
    assert actors == ("01", "02")
    assert settings.protocols == ("speaker_independent", "random_split_leaky")
    assert "Evaluated under speaker_independent, random_split_leaky" in result.output
    assert f"ser-assets predict {tmp_path / 'raw/demo/Actor_01/a.mp4'}" in result.output
    assert result.output.index("ser-assets predict") < result.output.index("make dev") < result.output.index("download")


def test_every_model_has_short_settings_that_are_valid(calls: Calls) -> None:
    CliRunner().invoke(main, ["demo"])
    [(settings, _)] = calls
    short, full = model_settings(settings), model_settings(Settings())
    assert all(short[name] != full[name] for name in full)


def test_what_the_environment_sets_is_kept(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_PROTOCOLS", "speaker_independent")
    assert CliRunner().invoke(main, ["demo"]).exit_code == 0
    assert calls[0][0].protocols == ("speaker_independent",)


def test_another_corpus_is_refused_before_anything_is_written(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(tmp_path / "voices.csv"))
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 1
    assert "(SER_CORPUS=table): unset SER_CORPUS" in " ".join(result.output.split())
    assert not calls
    assert not list(tmp_path.iterdir())
