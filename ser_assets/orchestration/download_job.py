"""The job that downloads RAVDESS from Zenodo."""

from typing import Literal

import dagster as dg
from pydantic import Field

from ser_assets.assets.failures import foreseen_failures
from ser_assets.corpus.ravdess import ACTORS
from ser_assets.settings import Settings


class DownloadConfig(dg.Config):
    """Which part of RAVDESS to download."""

    what: Literal["speech-video", "speech-audio"] = Field("speech-video", description="Videos, or audio only.")
    actors: list[str] = Field(list(ACTORS), description="Codes of actors, '01' to '24'.")
    agree: bool = Field(False, description="Whether you agree to the licence of RAVDESS, CC BY-NC-SA 4.0.")


@dg.op(name="download")
@foreseen_failures
def download_op(context: dg.OpExecutionContext, config: DownloadConfig, settings: dg.ResourceParam[Settings]) -> None:
    """Download RAVDESS into the folder of recordings, as `ser-assets download` does."""
    from ser_assets.corpus.zenodo.archives import DownloadError
    from ser_assets.corpus.zenodo.disk import DownloadRequest
    from ser_assets.corpus.zenodo.download import download, plan
    from ser_assets.corpus.zenodo.licence import NOTICE, has_agreed, remember_agreement

    if unknown := sorted(set(config.actors) - set(ACTORS)):
        raise dg.Failure(f"there is no actor {', '.join(unknown)}; RAVDESS has '01' to '24'", allow_retries=False)
    agreed = has_agreed(settings.downloads_dir)
    if not (agreed or config.agree):
        raise dg.Failure(f"{NOTICE}\n\nIf you agree, set agree in the config to true.", allow_retries=False)
    request = DownloadRequest(config.what, config.actors, settings.zenodo_url, settings.raw_dir, settings.downloads_dir)
    jobs = plan(request)
    try:
        if not agreed:
            remember_agreement(settings.downloads_dir)
        failures = download(request, jobs, tell=context.log.warning)
    except DownloadError as error:
        failures = [str(error)]
    if failures:
        raise dg.Failure("\n".join(failures))
    context.log.info(f"{len(jobs)} archives unpacked under {settings.raw_dir}; all requested recordings are there")


@dg.job(description="Downloads RAVDESS from Zenodo, once you agree to its licence.")
def download_recordings() -> None:
    """Download only. This is no asset, so that materializing all assets downloads nothing."""
    download_op()
