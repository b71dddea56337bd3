"""Commands about recordings: `demo-corpus`, `download`, `make-table`, `doctor`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from ser_assets.cli.parameters import ActorRange, NewFile
from ser_assets.cli.terminal import progress_bars, read_corpus, read_settings
from ser_assets.corpus.known_corpora import KNOWN_CORPORA, Labelled, recognise
from ser_assets.corpus.zenodo.archives import What

if TYPE_CHECKING:
    from ser_assets.corpus.zenodo.disk import DownloadRequest

SHOWN = 5
LABELLED_BY_NAME = [corpus.name for corpus in KNOWN_CORPORA if not corpus.labels]


@click.command("demo-corpus")
@click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
@click.option("--actors", type=ActorRange(), default="1-6", show_default=True, help="Actors to speak, such as 1-6.")
def demo_corpus(destination: Path, actors: tuple[str, ...]) -> None:
    """Make synthetic recordings in the form of RAVDESS under DESTINATION. Existing files are not replaced."""
    from ser_assets.corpus.demo.corpus import make_demo_corpus

    settings = read_settings()
    with progress_bars() as listener:
        written = make_demo_corpus(
            destination, actors, settings.worker_count, lambda done, total: listener("demo corpus", done, total)
        )
    click.echo(f"{written} recordings written, {60 * len(actors) - written} already existed, under {destination}")


@click.command()
@click.option(
    "--what",
    type=click.Choice(get_args(What)),
    default="speech-video",
    show_default=True,
    help="Videos, one archive per actor, or audio only, one archive for all actors.",
)
@click.option("--actors", type=ActorRange(), default="1-24", show_default=True, help="Only these actors, such as 1-5.")
@click.option("--agree", is_flag=True, help="Agree to the licence, CC BY-NC-SA 4.0, without a question.")
@click.option(
    "--with-video-only",
    is_flag=True,
    help="Also unpack the video-only files: half of all files, not used by any asset.",
)
@click.option("--keep-archives", is_flag=True, help="Keep the archives after they are unpacked.")
@click.option("--at-once", type=click.IntRange(1, 8), default=3, show_default=True, help="Parallel downloads.")
def download(
    what: What, actors: tuple[str, ...], agree: bool, with_video_only: bool, keep_archives: bool, at_once: int
) -> None:
    """Download RAVDESS from Zenodo into the folder of recordings, SER_DATA_DIR/raw.

    Existing files are not replaced, and an interrupted download resumes. HTTPS_PROXY names a proxy, SER_ZENODO_URL a
    mirror. Exit code 1 if an archive failed.
    """
    from ser_assets.corpus.zenodo.archives import DownloadError
    from ser_assets.corpus.zenodo.disk import DownloadRequest

    settings = read_settings()
    if settings.corpus != "ravdess":
        raise click.ClickException(
            f"`download` fetches RAVDESS, and the settings name another corpus (SER_CORPUS={settings.corpus}): unset "
            "SER_CORPUS, in the environment or in .env, and download again"
        )
    request = DownloadRequest(
        what,
        actors,
        settings.zenodo_url,
        settings.raw_dir,
        settings.downloads_dir,
        with_video_only=with_video_only,
        keep_archives=keep_archives,
        at_once=at_once,
    )
    try:
        _download(request, agree)
    except (DownloadError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _download(request: "DownloadRequest", agree: bool) -> None:
    from urllib.parse import urlsplit

    from rich.filesize import decimal

    from ser_assets.corpus.zenodo.archives import DownloadError
    from ser_assets.corpus.zenodo.download import download, plan

    jobs = plan(request)
    if not jobs:
        click.echo(f"all recordings are under {request.raw_dir} already")
        return
    _require_agreement(request.downloads_dir, agree)
    remaining = sum(job.remaining_bytes for job in jobs)
    unpacked = sum(job.unpacked_bytes for job in jobs)
    host = urlsplit(request.base_url).hostname
    click.echo(f"{decimal(remaining)} to download from {host}; the recordings will take about {decimal(unpacked)}")
    try:
        with progress_bars(of_bytes=True) as listener:
            failures = download(request, jobs, listener, tell=lambda text: click.echo(text, err=True))
    except DownloadError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped; the same command resumes", err=True)
        raise
    click.echo(f"{len(jobs) - len(failures)} of {len(jobs)} archives are unpacked under {request.raw_dir}")
    if failures:
        raise click.ClickException("\n".join(failures))


def _require_agreement(downloads_dir: Path, agree: bool) -> None:
    """Show the licence and ask, once per data folder."""
    from ser_assets.corpus.zenodo.licence import NOTICE, has_agreed, remember_agreement

    if has_agreed(downloads_dir):
        return
    click.echo(f"{NOTICE}\n")
    if not agree:
        if not _has_terminal():
            raise click.ClickException("no terminal to ask on: pass --agree to agree to the licence")
        click.confirm("Do you agree?", abort=True)
    remember_agreement(downloads_dir)


def _has_terminal() -> bool:
    return sys.stdin.isatty()


@click.command("make-table")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("table", type=NewFile())
@click.option("--corpus", "name", type=click.Choice(LABELLED_BY_NAME), help="Corpus to use, where there are several.")
def make_table(folder: Path, table: Path, name: str | None) -> None:
    """Write a TABLE (CSV) of the recordings of a known corpus under FOLDER: path, speaker, emotion from their names.

    The corpus is --corpus, or the one whose naming scheme most recordings follow. An existing TABLE is not replaced.
    """
    import csv

    from ser_assets.corpus.media_files import media_files
    from ser_assets.storage.files import atomic_file

    paths = [path.resolve() for path in media_files(folder).recordings]
    recognised = [each.corpus.name for each in recognise(paths, folder) if not each.corpus.labels]
    if not (name or recognised):
        raise click.ClickException(
            f"too few recordings under {folder} have the name of a known corpus ({', '.join(LABELLED_BY_NAME)}): write "
            "the table yourself, or name one with --corpus"
        )
    name = name or recognised[0]
    corpus = next(each for each in KNOWN_CORPORA if each.name == name)
    rows = [row for path in paths if (row := corpus.read(path))]
    if not rows:
        raise click.ClickException(f"no recording under {folder} has a name of {name}: write the table yourself")
    if table.exists():
        raise click.ClickException(f"{table} exists: name another file, or remove it")
    with atomic_file(table) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Labelled._fields, *rows])
    speakers = {row.speaker for row in rows}
    click.echo(f"{table}: {len(rows)} of {len(paths)} recordings, {len(speakers)} speakers, by the names of {name}")


@click.command()
@click.option("--all", "everything", is_flag=True, help="List every file, not only the first few of a kind.")
def doctor(everything: bool) -> None:
    """List problems of recordings and of stored data, each with its remedy. Exit code 1 if there is any."""
    from ser_assets.corpus.interface import CorpusError
    from ser_assets.orchestration.doctor import examine_all
    from ser_assets.runtime.progress import listening
    from ser_assets.storage.warehouse import WarehouseBusyError

    settings = read_settings()
    corpus = read_corpus(settings)
    try:
        with progress_bars(to_stderr=True) as listener, listening(listener):
            findings = list(examine_all(settings, corpus))
    except (CorpusError, WarehouseBusyError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for finding in findings:
        # Without a remedy, the cases are an overview: printed whole, without their number.
        number = f" ({len(finding.cases)})" if finding.cases and finding.remedy else ""
        click.secho(f"{finding.title}{number}", bold=True, fg="red" if finding.urgent else None)
        shown = finding.cases if everything or not finding.remedy else finding.cases[:SHOWN]
        for case in shown:
            click.echo(f"  {_printable(case)}")
        if len(shown) < len(finding.cases):
            click.echo(f"  … and {len(finding.cases) - len(shown)} more: --all")
        if finding.remedy:
            click.echo(f"  -> {finding.remedy}")
    if any(finding.urgent for finding in findings):
        raise SystemExit(1)
    click.echo("no problems found")


def _printable(text: str) -> str:
    """Escape characters that would move the cursor: a file may have any name."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
