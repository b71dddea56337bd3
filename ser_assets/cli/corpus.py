"""Commands about recordings: where they come from, and what is wrong with them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from ser_assets.cli.parameters import ActorRange
from ser_assets.cli.terminal import progress_bars, read_corpus, read_settings
from ser_assets.corpus.known_corpora import KNOWN_CORPORA, Labelled
from ser_assets.corpus.zenodo.archives import What

if TYPE_CHECKING:
    from ser_assets.corpus.zenodo.disk import DownloadRequest

SHOWN = 5
LABELLED_BY_NAME = [corpus.name for corpus in KNOWN_CORPORA if not corpus.labels]


@click.command("demo-corpus")
@click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
@click.option("--actors", type=ActorRange(), default="1-6", show_default=True, help="Actors to speak, such as 1-6.")
def demo_corpus(destination: Path, actors: tuple[str, ...]) -> None:
    """Make spoken recordings in the shape of RAVDESS under DESTINATION; what is there already is left alone."""
    from ser_assets.corpus.demo.corpus import make_demo_corpus

    settings = read_settings()
    with progress_bars() as listener:
        written = make_demo_corpus(
            destination, actors, settings.worker_count, lambda done, total: listener("demo corpus", done, total)
        )
    click.echo(f"{written} recordings written, {60 * len(actors) - written} were there, under {destination}")


@click.command()
@click.option(
    "--what",
    type=click.Choice(get_args(What)),
    default="speech-video",
    show_default=True,
    help="The takes as films, one archive an actor, or as sound alone, one archive for all.",
)
@click.option("--actors", type=ActorRange(), default="1-24", show_default=True, help="Only these actors, such as 1-5.")
@click.option("--agree", is_flag=True, help="Agree to the licence, CC BY-NC-SA 4.0, without being asked.")
@click.option(
    "--with-video-only",
    is_flag=True,
    help="Unpack the video-only films, too: half of the files, and nothing here can use them.",
)
@click.option("--keep-archives", is_flag=True, help="Keep the archives after they are unpacked.")
@click.option(
    "--at-once", type=click.IntRange(1, 8), default=3, show_default=True, help="Archives on their way together."
)
def download(
    what: What, actors: tuple[str, ...], agree: bool, with_video_only: bool, keep_archives: bool, at_once: int
) -> None:
    """Bring RAVDESS from Zenodo into the folder of recordings, SER_DATA_DIR/raw.

    What is there already is left alone, and what broke off goes on where it was. Proxies are taken from the environment
    (HTTPS_PROXY), and SER_ZENODO_URL names a mirror. Exit code 1 if something could not be brought.
    """
    from ser_assets.corpus.zenodo.archives import DownloadError
    from ser_assets.corpus.zenodo.disk import DownloadRequest

    settings = read_settings()
    if settings.corpus != "ravdess":
        raise click.ClickException(
            f"this brings RAVDESS, and the settings name a {settings.corpus} (SER_CORPUS={settings.corpus}): unset "
            "SER_CORPUS, in the environment or in .env, and download again"
        )
    order = DownloadRequest(
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
        _bring(order, agree)
    except (DownloadError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _bring(order: "DownloadRequest", agree: bool) -> None:
    from urllib.parse import urlsplit

    from rich.filesize import decimal

    from ser_assets.corpus.zenodo.archives import DownloadError
    from ser_assets.corpus.zenodo.download import download, plan

    errands = plan(order)
    if not errands:
        click.echo(f"all of it is under {order.raw_dir} already")
        return
    _have_agreed(order.downloads_dir, agree)
    coming = sum(errand.remaining_bytes for errand in errands)
    unpacked = sum(errand.unpacked_bytes for errand in errands)
    host = urlsplit(order.base_url).hostname
    click.echo(f"{decimal(coming)} to come from {host}; the recordings will take about {decimal(unpacked)}")
    try:
        with progress_bars(of_bytes=True) as listener:
            failures = download(order, errands, listener, tell=lambda text: click.echo(text, err=True))
    except DownloadError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on from here", err=True)
        raise
    click.echo(f"{len(errands) - len(failures)} of {len(errands)} archives are unpacked under {order.raw_dir}")
    if failures:
        raise click.ClickException("\n".join(failures))


def _have_agreed(downloads_dir: Path, agree: bool) -> None:
    """Show the licence and ask, once for a folder of data."""
    from ser_assets.corpus.zenodo.licence import NOTICE, has_agreed, remember_agreement

    if has_agreed(downloads_dir):
        return
    click.echo(f"{NOTICE}\n")
    if not agree:
        if not _somebody_is_there():
            raise click.ClickException("nobody is there to ask: agree to the licence with --agree")
        click.confirm("Do you agree?", abort=True)
    remember_agreement(downloads_dir)


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


@click.command("make-table")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("table", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--corpus", "name", type=click.Choice(LABELLED_BY_NAME), help="One of them, where there are several.")
def make_table(folder: Path, table: Path, name: str | None) -> None:
    """Write a TABLE (CSV) of the recordings of a known corpus under FOLDER: path, speaker, emotion by their names.

    The corpus is the one that most recordings are named like, or --corpus. An existing TABLE is not replaced.
    """
    import csv

    from ser_assets.corpus.media_files import media_files
    from ser_assets.storage.files import atomic_file

    paths = [path.resolve() for path in media_files(folder).recordings]
    rows = {each.name: [row for path in paths if (row := each.read(path))] for each in KNOWN_CORPORA}
    name = name or max(rows, key=lambda each: len(rows[each]))
    if not rows[name]:
        raise click.ClickException(f"no recording under {folder} is named like {name}: write the table yourself")
    if table.exists():
        raise click.ClickException(f"{table} exists: name another file, or remove it")
    with atomic_file(table) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Labelled._fields, *rows[name]])
    speakers = {row.speaker for row in rows[name]}
    click.echo(f"{table}: {len(rows[name])} of {len(paths)} recordings, {len(speakers)} speakers, named like {name}")


@click.command()
@click.option("--all", "everything", is_flag=True, help="Name every file, not only the first few of a kind.")
def doctor(everything: bool) -> None:
    """Tell what is wrong with recordings and with what is at rest, and what to do. Exit code 1 if there is anything."""
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
        # Where nothing is to be done it is no list of cases, but what there is: told whole, without its number.
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
    click.echo("nothing needs doing")


def _printable(text: str) -> str:
    """Text without what would move the cursor: a file may be called anything."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
