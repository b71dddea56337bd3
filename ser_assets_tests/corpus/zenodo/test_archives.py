"""The table of archives, against what is known of RAVDESS."""

import re

import pytest

from ser_assets.corpus.ravdess import ACTORS, parse_name
from ser_assets.corpus.zenodo.archives import ARCHIVES, archives_for

[AUDIO] = ARCHIVES["speech-audio"]
VIDEO = ARCHIVES["speech-video"]


def test_there_is_a_film_archive_for_each_actor_and_one_with_the_sound_of_all() -> None:
    assert [archive.actors for archive in VIDEO] == [(actor,) for actor in ACTORS]
    assert AUDIO.actors == ACTORS


def test_a_film_archive_holds_120_files_and_the_one_with_sound_1440() -> None:
    assert {len(archive.files()) for archive in VIDEO} == {120}
    assert len(AUDIO.files()) == 1440


def test_every_archive_has_a_name_a_size_and_an_md5_of_its_own() -> None:
    archives = [*VIDEO, AUDIO]
    for value in ("name", "bytes", "md5"):
        assert len({getattr(archive, value) for archive in archives}) == 25
    assert all(re.fullmatch("[0-9a-f]{32}", archive.md5) for archive in archives)
    assert all(archive.bytes > 200_000_000 for archive in archives)


@pytest.mark.parametrize("archive", [VIDEO[6], AUDIO], ids=["video", "audio"])
def test_files_are_named_as_takes_are_in_the_folder_of_their_actor(archive) -> None:
    for name in archive.files():
        folder, _, file = name.partition("/")
        take = parse_name(file.removesuffix(archive.ending))
        assert folder == f"Actor_{take.actor}"


def test_films_without_sound_are_left_out_on_request() -> None:
    names = VIDEO[0].files(with_video_only=False)
    assert len(names) == 60
    assert all(name.startswith("Actor_01/01-01-") for name in names)


def test_only_the_archives_and_files_of_the_actors_asked_for_are_named() -> None:
    assert [archive.name for archive in archives_for("speech-video", ("02", "24"))] == [
        "Video_Speech_Actor_02.zip",
        "Video_Speech_Actor_24.zip",
    ]
    assert archives_for("speech-audio", ("02", "24")) == [AUDIO]
    assert {name[:8] for name in AUDIO.files(("02", "24"))} == {"Actor_02", "Actor_24"}


def test_an_archive_lies_at_the_same_place_on_zenodo_and_on_a_mirror() -> None:
    path = "/records/1188976/files/Video_Speech_Actor_01.zip?download=1"
    assert VIDEO[0].address("https://zenodo.org") == f"https://zenodo.org{path}"
    assert VIDEO[0].address("http://mirror/ravdess") == f"http://mirror/ravdess{path}"
