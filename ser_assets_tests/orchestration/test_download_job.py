"""The job that downloads recordings of RAVDESS."""

import dagster as dg
import pytest

from ser_assets.corpus.zenodo import archives
from ser_assets.definitions import build_definitions
from ser_assets.settings import Settings
from ser_assets_tests.factories.zenodo_server import Zenodo, an_archive


def download(settings: Settings, **config: object) -> dg.ExecuteInProcessResult:
    job = build_definitions(settings).resolve_job_def("download_recordings")
    return job.execute_in_process(run_config={"ops": {"download": {"config": config}}})


@pytest.fixture
def published(settings: Settings, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch) -> Settings:
    archive, content = an_archive("01")
    zenodo.publish(archive, content)
    monkeypatch.setattr(archives, "ARCHIVES", {"speech-video": (archive,)})
    return settings.model_copy(update={"zenodo_url": zenodo.url})


def test_recordings_are_downloaded_for_whoever_agrees_and_agreed_before(published: Settings) -> None:
    assert download(published, actors=["01"], agree=True).success
    assert len(list(published.raw_dir.rglob("*.mp4"))) == 60
    assert download(published, actors=["01"]).success


def test_without_agreement_the_licence_is_shown_and_nothing_is_downloaded(published: Settings, zenodo: Zenodo) -> None:
    with pytest.raises(dg.Failure, match=r"CC BY-NC-SA 4.0"):
        download(published, actors=["01"])
    assert not zenodo.requests


def test_a_download_that_fails_says_why(published: Settings, zenodo: Zenodo) -> None:
    zenodo.files.clear()
    with pytest.raises(dg.Failure, match="404 Not Found"):
        download(published, actors=["01"], agree=True)


def test_actors_that_are_not_there_are_refused(published: Settings) -> None:
    with pytest.raises(dg.Failure, match="no actor 25"):
        download(published, actors=["25", "01"], agree=True)
