"""A table of your own recordings, end to end: demo voices under other names, five emotions of other words."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from ser_assets.corpus.demo import corpus as demo
from ser_assets.corpus.interface import Take
from ser_assets.corpus.ravdess import STATEMENTS, parse_name, speech_takes
from ser_assets_tests.end_to_end.test_end_to_end import BIN, FOREST_CONFIG, ROOT

SPEAKERS = {"01": "Ann O'Hara", "02": "Bjørn/2"}
EMOTIONS = {"neutral": "No Emotion", "happy": "joy", "sad": "sorrow", "angry": "Ärger", "fearful": "fear"}

CHAIN = "raw_videos,mono_audio,trimmed_audio,augmented_set,features,random_forest,metrics_report,champion_model"


def shell(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    environment |= {"SER_PROTOCOLS": "speaker_independent", "SER_CORPUS": "table", "SER_CORPUS_TABLE": "own/voices.csv"}
    return subprocess.run([BIN / command[0], *command[1:]], cwd=folder, env=environment, capture_output=True, text=True)


def materialize(folder: Path, assets: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = ("dagster", "asset", "materialize", "--select", assets, *options, "-m", "ser_assets.definitions")
    return shell(folder, *command)


def query(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect(folder / "data/table-voices/ser.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def some_takes(actor: str) -> tuple[Take, ...]:
    """Takes of the first statement and the five emotions, each performed once."""
    return tuple(
        take
        for take in speech_takes(actor)
        if take.emotion in EMOTIONS and take.statement == STATEMENTS[0] and take.repetition == 1
    )


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speak one statement in two voices, list them under other names, and run all but the networks."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "speech_takes", some_takes)
        demo.make_demo_corpus(folder / "own/clips", list(SPEAKERS))
    films = sorted((folder / "own/clips").rglob("*.mp4"))
    with (folder / "own/voices.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["speaker", "path", "emotion", "gender"])
        for number, film in enumerate(films):
            take = parse_name(film.stem)
            clip = film.rename(film.with_name(f"clip {number}.mp4"))
            path = clip.relative_to(folder / "own").as_posix()
            rows.writerow([SPEAKERS[take.actor], path, EMOTIONS[take.emotion], take.gender])
        rows.writerow([SPEAKERS["02"], "clips/gone.wav", "joy", ""])
        rows.writerow(["", "clips/whose.wav", "joy", ""])
    done = materialize(
        folder, CHAIN, "--partition-range", "...".join(SPEAKERS.values()), "--config-json", FOREST_CONFIG
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return folder


def test_every_speaker_and_emotion_comes_through_the_chain(own: Path) -> None:
    assert query(own, "SELECT DISTINCT actor FROM features ORDER BY ALL") == [(name,) for name in SPEAKERS.values()]
    emotions = [(name.lower(),) for name in EMOTIONS.values()]
    assert query(own, "SELECT DISTINCT emotion FROM features ORDER BY ALL") == sorted(emotions)
    assert query(own, "SELECT actor, emotion FROM features GROUP BY ALL HAVING count(*) != 6") == []
    assert query(own, "SELECT path, reason, place FROM raw_videos WHERE status = 'rejected'") == [
        ("clips/gone.wav", "cannot be read (No such file or directory)", "line 20 of voices.csv")
    ]


def test_a_model_is_judged_on_unseen_speakers_among_five_emotions(own: Path) -> None:
    evaluated = query(
        own, "SELECT model, fold_scheme, count(DISTINCT take_id) FROM predictions GROUP BY ALL ORDER BY ALL"
    )
    assert evaluated == [("random_forest", "groups5", 18)]
    for (shared,) in query(own, "SELECT shared_actors FROM leakage_audit"):
        assert shared == 0
    sums = query(
        own, """SELECT max(abs("p_no emotion" + p_joy + p_sorrow + "p_ärger" + p_fear - 1)) FROM predictions"""
    )
    assert sums[0][0] < 1e-5


def test_the_report_speaks_of_five_emotions_and_not_of_ravdess(own: Path) -> None:
    page = (own / "data/table-voices/report/index.html").read_text()
    assert "Ärger".lower() in page
    assert "surprised" not in page
    assert "Livingstone" not in page
    figures = json.loads((own / "data/table-voices/report/report.json").read_text())
    assert figures["emotions"] == sorted(name.lower() for name in EMOTIONS.values())


def test_the_champion_answers_with_the_emotions_of_the_table(own: Path) -> None:
    clip = next((own / "own/clips").rglob("clip *.mp4"))
    done = shell(own, "ser-assets", "predict", str(clip), "--json")
    [answer] = json.loads(done.stdout)
    assert set(answer["probabilities"]) == {name.lower() for name in EMOTIONS.values()}


def test_speakers_are_chosen_by_name(own: Path) -> None:
    stranger = shell(own, "ser-assets", "run", "--actors", "Ann O'Hara,Carl")
    assert stranger.returncode == 2
    assert "there is no 'Carl'; there are \"Ann O'Hara\", 'Bjørn/2'" in " ".join(stranger.stderr.split())
    assert materialize(own, "mono_audio", "--partition", "Bjørn/2").returncode == 0
