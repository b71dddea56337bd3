"""RAVDESS from a server on this machine into the folder of recordings."""

import dataclasses
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from ser_assets.corpus.demo import corpus as demo
from ser_assets.corpus.inventory import InspectionTask, inspect_recording
from ser_assets.corpus.ravdess import Ravdess, speech_takes
from ser_assets.corpus.zenodo import archives
from ser_assets.corpus.zenodo.archives import Archive, DownloadError
from ser_assets.corpus.zenodo.disk import ArchiveJob, DownloadRequest
from ser_assets.corpus.zenodo.download import ALL, download, plan
from ser_assets.corpus.zenodo.retries import RetryPolicy
from ser_assets.corpus.zenodo.transfer import Transfer
from ser_assets_tests.factories.zenodo_server import Answer, Zenodo, an_archive, published, zipped

IMPATIENT = RetryPolicy(silence=10, more_tries=3, pause=0, jitter=0)
FIRST, FIRST_ZIP = an_archive("01")
SECOND, SECOND_ZIP = an_archive("02")
SOUND, SOUND_ZIP = an_archive("01", "02", "03", modalities=("03",), ending=".wav")


@pytest.fixture
def order(tmp_path: Path, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch) -> DownloadRequest:
    """Ask for the films of two actors, whose archives are there to be had."""
    monkeypatch.setattr(archives, "ARCHIVES", {"speech-video": (FIRST, SECOND), "speech-audio": (SOUND,)})
    for archive, content in ((FIRST, FIRST_ZIP), (SECOND, SECOND_ZIP), (SOUND, SOUND_ZIP)):
        zenodo.publish(archive, content)
    return DownloadRequest(
        "speech-video", ("01", "02"), zenodo.url, tmp_path / "raw", tmp_path / "downloads", at_once=1
    )


def bring(order: DownloadRequest, **options: object) -> list[str]:
    return download(order, plan(order), patience=IMPATIENT, **options)


def recordings(order: DownloadRequest) -> list[str]:
    return sorted(str(path.relative_to(order.raw_dir)) for path in order.raw_dir.rglob("*") if path.is_file())


def kept(order: DownloadRequest) -> set[str]:
    return {path.name for path in order.downloads_dir.iterdir()} - {".lock"}


def only(actor: str, order: DownloadRequest) -> DownloadRequest:
    return dataclasses.replace(order, actors=(actor,))


def test_the_takes_of_the_actors_come_into_their_folders(order: DownloadRequest) -> None:
    assert bring(order) == []
    assert recordings(order) == sorted(
        f"Actor_{actor}/01-{take.take_id}.mp4" for actor in ("01", "02") for take in speech_takes(actor)
    )
    assert all(path.stat().st_size == 2000 for path in order.raw_dir.rglob("*.mp4"))


def test_archives_go_once_they_are_unpacked(order: DownloadRequest) -> None:
    bring(order)
    assert kept(order) == {f"{FIRST.name}.json", f"{SECOND.name}.json"}


def test_archives_are_kept_on_request_and_used_next_time(order: DownloadRequest, zenodo: Zenodo) -> None:
    order = dataclasses.replace(order, keep_archives=True)
    bring(order)
    assert (order.downloads_dir / FIRST.name).read_bytes() == FIRST_ZIP
    shutil.rmtree(order.raw_dir)
    zenodo.requests.clear()
    assert bring(order) == []
    assert len(recordings(order)) == 120
    assert not zenodo.requests


def test_films_without_sound_come_on_request(order: DownloadRequest) -> None:
    bring(dataclasses.replace(order, with_video_only=True))
    assert len(recordings(order)) == 240


def test_of_the_archive_with_all_actors_only_those_asked_for_are_unpacked(order: DownloadRequest) -> None:
    bring(dataclasses.replace(order, what="speech-audio", actors=("01", "03")))
    assert {name[:8] for name in recordings(order)} == {"Actor_01", "Actor_03"}
    assert len(recordings(order)) == 120


def test_actors_that_come_later_do_not_make_those_of_before_forgotten(order: DownloadRequest) -> None:
    sound = dataclasses.replace(order, what="speech-audio")
    bring(only("01", sound))
    bring(only("02", sound))
    assert plan(sound) == []


def test_what_is_there_is_not_fetched_again(order: DownloadRequest, zenodo: Zenodo) -> None:
    bring(only("01", order))
    zenodo.requests.clear()
    assert [errand.archive for errand in plan(order)] == [SECOND]
    bring(order)
    assert plan(order) == []
    assert len(zenodo.requests) == 1


def test_recordings_that_the_user_unpacked_are_there_too(order: DownloadRequest) -> None:
    for name in FIRST.files(with_video_only=False):
        path = order.raw_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * FIRST.smallest_take)
    assert plan(only("01", order)) == []


def test_a_recording_that_was_deleted_comes_again_and_the_others_stay(order: DownloadRequest) -> None:
    bring(order)
    gone, *others = sorted(order.raw_dir.rglob("*.mp4"))
    gone.unlink()
    before = {path: path.stat().st_mtime_ns for path in others}
    assert bring(order) == []
    assert gone.stat().st_size == 2000
    assert {path: path.stat().st_mtime_ns for path in others} == before


@pytest.mark.parametrize("content", [b"", b"x" * 1999], ids=["empty", "cut short"])
def test_a_file_of_other_content_is_named_before_a_byte_is_fetched_and_left_alone(
    order: DownloadRequest, zenodo: Zenodo, content: bytes
) -> None:
    bring(order)
    zenodo.requests.clear()
    changed = order.raw_dir / FIRST.files()[7]
    changed.write_bytes(content)
    [failure] = bring(order)
    assert str(changed) in failure
    assert "move it away" in failure
    assert changed.read_bytes() == content
    assert not zenodo.requests


def test_a_file_in_the_way_of_a_folder_of_an_actor_is_named_before_a_byte_of_it_is_fetched(
    order: DownloadRequest, zenodo: Zenodo
) -> None:
    order.raw_dir.mkdir()
    (order.raw_dir / "Actor_01").write_bytes(b"mine")
    [failure] = bring(order)
    assert failure.startswith(f"{order.raw_dir / 'Actor_01'}: is not a folder")
    assert "move it away" in failure
    assert [request.target.count(SECOND.name) for request in zenodo.requests] == [1]


@pytest.mark.parametrize("name", ["raw", "downloads"])
@pytest.mark.parametrize("is_link", [False, True], ids=["file", "link that leads nowhere"])
def test_what_is_in_the_way_of_the_folders_is_named(
    order: DownloadRequest, zenodo: Zenodo, name: str, is_link: bool
) -> None:
    in_the_way = order.raw_dir.with_name(name)
    if is_link:
        in_the_way.symlink_to("a disk that is not mounted")
    else:
        in_the_way.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=f"{in_the_way}: is not a folder.* move it away and download again"):
        bring(order)
    assert not zenodo.requests


@pytest.mark.parametrize("content", ["{", "[]", "null", '{"Actor_01": [1]}', "\xff"])
def test_a_damaged_memory_of_sizes_remembers_nothing(order: DownloadRequest, content: str) -> None:
    bring(order)
    (order.downloads_dir / f"{FIRST.name}.json").write_text(content, "latin-1")
    assert plan(order) == []
    next(order.raw_dir.rglob("*.mp4")).unlink()
    assert bring(order) == []


def test_an_archive_that_the_user_put_there_is_verified_and_unpacked(order: DownloadRequest, zenodo: Zenodo) -> None:
    order.downloads_dir.mkdir()
    (order.downloads_dir / FIRST.name).write_bytes(FIRST_ZIP)
    (order.downloads_dir / SECOND.name).write_bytes(SECOND_ZIP[:100_000])
    assert bring(order) == []
    assert len(recordings(order)) == 120
    assert zenodo.starts == [100_000]


def test_one_archive_that_fails_does_not_stop_the_others(order: DownloadRequest, zenodo: Zenodo) -> None:
    del zenodo.files[FIRST.name]
    [failure] = bring(order)
    assert failure.startswith(f"{FIRST.name}: 127.0.0.1 answers 404 Not Found")
    assert {name[:8] for name in recordings(order)} == {"Actor_02"}


def test_an_archive_without_what_it_should_hold_is_told_and_the_others_are_unpacked(
    order: DownloadRequest, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch
) -> None:
    hollow = zipped({"Actor_01/readme.txt": b"x"})
    archive = published(FIRST.name, hollow, FIRST)
    zenodo.publish(archive, hollow)
    monkeypatch.setitem(archives.ARCHIVES, "speech-video", (archive, SECOND))
    [failure] = bring(order)
    assert "60 recordings are not in it" in failure
    assert {name[:8] for name in recordings(order)} == {"Actor_02"}


def test_a_disk_that_fills_up_on_the_way_is_told_with_the_archive(
    order: DownloadRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_: Transfer) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Transfer, "run", no_room)
    assert bring(only("01", order)) == [f"{FIRST.name}: [Errno 28] No space left on device"]


def test_an_error_that_nobody_expects_is_not_swallowed(order: DownloadRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Transfer) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Transfer, "run", fail)
    with pytest.raises(ZeroDivisionError):
        bring(order)


def disk_with(free: int) -> Callable[[Path], object]:
    return lambda _: shutil._ntuple_diskusage(10**12, 10**12 - free, free)


def test_a_full_disk_is_told_with_figures_before_anything_is_asked_for(
    order: DownloadRequest, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", disk_with(1000))
    with pytest.raises(DownloadError, match=r"raw needs .* kB, and 1.0 kB are free on its disk: make room, ask for"):
        bring(order)
    assert not zenodo.requests


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        ({}, FIRST.bytes + (FIRST.bytes + SECOND.bytes) // 2),
        ({"at_once": 3}, FIRST.bytes + SECOND.bytes + (FIRST.bytes + SECOND.bytes) // 2),
        ({"keep_archives": True}, FIRST.bytes + SECOND.bytes + (FIRST.bytes + SECOND.bytes) // 2),
        ({"with_video_only": True}, FIRST.bytes + FIRST.bytes + SECOND.bytes),
    ],
    ids=["one at a time", "both at once", "both kept", "with films without sound"],
)
def test_room_is_needed_for_recordings_and_for_the_archives_that_are_there_together(
    order: DownloadRequest, monkeypatch: pytest.MonkeyPatch, change: dict, needed: int
) -> None:
    order = dataclasses.replace(order, **change)
    monkeypatch.setattr(shutil, "disk_usage", disk_with(needed - 1))
    with pytest.raises(DownloadError, match="make room"):
        bring(order)
    monkeypatch.setattr(shutil, "disk_usage", disk_with(needed))
    assert bring(order) == []


def test_what_has_come_needs_no_room_again(order: DownloadRequest) -> None:
    order.downloads_dir.mkdir()
    (order.downloads_dir / f"{FIRST.name}.part").write_bytes(FIRST_ZIP[:1000])
    [errand] = plan(only("01", order))
    assert errand.remaining_bytes == FIRST.bytes - 1000


def test_progress_is_told_of_each_archive_and_of_all(order: DownloadRequest) -> None:
    told: list[tuple[str, int, int]] = []
    bring(order, progress=lambda *step: told.append(step))
    for archive in (FIRST, SECOND):
        assert (archive.name, archive.bytes, archive.bytes) in told
    assert told[-1] == (ALL, FIRST.bytes + SECOND.bytes, FIRST.bytes + SECOND.bytes)


def test_all_is_said_by_the_thread_that_asked(order: DownloadRequest, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(status=503))
    threads = set()
    bring(
        dataclasses.replace(order, at_once=2),
        progress=lambda *_: threads.add(threading.current_thread()),
        tell=lambda _: threads.add(threading.current_thread()),
    )
    assert threads == {threading.current_thread()}


def test_several_come_at_once(order: DownloadRequest, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(stall_after=1000))
    order = dataclasses.replace(order, at_once=2)
    patience = dataclasses.replace(IMPATIENT, silence=20, more_tries=0)

    def note(_: str, done: int, total: int) -> None:
        # One archive waits for the other.
        if done == total:
            zenodo.may_go_on.set()

    assert download(order, plan(order), note, patience=patience) == []


def test_whoever_is_interrupted_keeps_what_has_come_and_goes_on_from_there(
    order: DownloadRequest, zenodo: Zenodo
) -> None:
    zenodo.answers.append(Answer(stall_after=150_000))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(only("01", order), progress=interrupt)
    part = (order.downloads_dir / f"{FIRST.name}.part").read_bytes()
    assert part
    assert FIRST_ZIP.startswith(part)
    assert recordings(order) == []
    assert bring(only("01", order)) == []
    assert len(recordings(order)) == 60
    assert zenodo.starts == [None, len(part)]


def test_whoever_is_interrupted_does_not_wait_for_a_silent_server(order: DownloadRequest, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(stall_after=100_000))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # Far longer than the test may take: it does not end unless the silent server is left.
    patience = dataclasses.replace(IMPATIENT, silence=3600)
    with pytest.raises(KeyboardInterrupt):
        download(only("01", order), plan(only("01", order)), interrupt, patience=patience)


def test_whoever_is_interrupted_does_not_wait_out_a_pause(order: DownloadRequest, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(status=429, headers={"Retry-After": "500"}))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(order, tell=interrupt)
    assert not any(thread.name.endswith("(_do_errands)") for thread in threading.enumerate())


def test_two_downloads_do_not_work_in_one_folder(order: DownloadRequest) -> None:
    order.downloads_dir.mkdir()
    with (
        FileLock(order.downloads_dir / ".lock"),
        pytest.raises(DownloadError, match=r"another download is at work in .*downloads"),
    ):
        bring(order)


def test_a_server_that_has_answered_before_is_not_given_up(order: DownloadRequest, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(status=503))
    zenodo.answers.extend([Answer(hangs_up=True)] * IMPATIENT.more_tries)
    [failure] = bring(order)
    assert "the connection was cut, 4 times in a row" in failure
    assert {name[:8] for name in recordings(order)} == {"Actor_02"}


def test_recordings_that_came_this_way_are_found_and_heard(
    order: DownloadRequest, zenodo: Zenodo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (demo, archives):
        monkeypatch.setattr(module, "speech_takes", lambda actor: speech_takes(actor)[:2])
    demo.make_demo_corpus(tmp_path / "made", ["01"])
    blank = Archive("", 0, "", ("01",), ("01",), ".mp4", 0, smallest_take=100)
    content = zipped({name: (tmp_path / "made" / name).read_bytes() for name in blank.files()})
    archive = published("Video_Speech_Actor_01.zip", content, blank)
    zenodo.publish(archive, content)
    monkeypatch.setitem(archives.ARCHIVES, "speech-video", (archive,))
    assert bring(only("01", order)) == []
    found = Ravdess(order.raw_dir).listing().entries
    assert list(found) == ["01"]
    rows = [inspect_recording(InspectionTask(entry)) for entry in found["01"]]
    assert [(row.status, row.emotion) for row in rows] == [("accepted", "neutral")] * 2


def test_an_errand_says_what_its_files_will_take() -> None:
    assert ArchiveJob(SOUND, SOUND.files(("01",)), 0).unpacked_bytes == SOUND.bytes // 3
