"""Commands that use the champion: `predict`, and `enrol-speaker` for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ser_assets.cli.parameters import NewFile
from ser_assets.cli.terminal import progress_bars, read_settings

if TYPE_CHECKING:
    from rich.table import Table

    from ser_assets.serving.predictor import Prediction, RejectedRecording

WIDE = 1000


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--csv", "table", type=NewFile(), help="Write the results here, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, and all else to standard error.")
@click.option(
    "--profile", type=click.Path(dir_okay=False, path_type=Path), help="Profile of the speaker (enrol-speaker)."
)
@click.option("--bundle", type=click.Path(path_type=Path), help="Folder of the bundle.  [default: the champion's]")
def predict(
    paths: tuple[Path, ...], table: Path | None, as_json: bool, profile: Path | None, bundle: Path | None
) -> None:
    """Name the emotion in recordings: files, and folders at any depth. Exit code 1 if one of them cannot be used."""
    from ser_assets.runtime.progress import listening
    from ser_assets.serving import batch
    from ser_assets.serving.bundle import default_bundle
    from ser_assets.serving.predictor import RejectedRecording
    from ser_assets.serving.withdrawn import withdrawn_from
    from ser_assets.storage.versions import differences

    settings = read_settings()
    with _clear_errors():
        recordings = batch.recordings_among(paths)
        closed = _tell_passed_over(paths)
        if table:
            batch.refuse_to_replace(table, recordings)
        predictor = batch.open_predictor(bundle or default_bundle(settings.data_dir, settings.corpus_name), profile)
        if predictor.bundle.is_demo:
            click.echo("this model was trained on synthetic speech: its predictions mean nothing for people", err=True)
        if withdrawn := withdrawn_from(predictor.bundle.folder):
            click.echo(withdrawn.sentence, err=True)
        if different := differences(predictor.bundle.facts["training"]["recipe"]):
            click.echo(
                f"this bundle was made with {', '.join(different)}: recordings are measured a little differently here, "
                "and so may be the probabilities; `ser-assets run` makes a new one",
                err=True,
            )
        if profile and not predictor.has_bias_for_model:
            click.echo(
                f"{profile} was made with another model, and only part of it can be used: make it again with "
                "`enrol-speaker`",
                err=True,
            )
        with progress_bars(to_stderr=True) as listener, listening(listener):
            results = list(batch.predict_recordings(recordings, predictor, settings.worker_count))
        if table:
            batch.write_csv(results, table, predictor.emotions)
    if as_json:
        click.echo(batch.as_json(results))
    else:
        _print_table(batch.table_for_terminal(results))
    _tell_remarks(results)
    refused = [each for each in results if isinstance(each, RejectedRecording)]
    _tell_refused(refused)
    if refused or closed:
        raise SystemExit(1)


@click.command("enrol-speaker")
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=NewFile(), help="Profile to write (JSON).")
@click.option("--bundle", type=click.Path(path_type=Path), help="Folder of the bundle.  [default: the champion's]")
def enrol_speaker(files: tuple[Path, ...], out: Path, bundle: Path | None) -> None:
    """Learn what is usual for one speaker from unlabelled recordings, for `predict --profile`.

    The recordings need no label, but should show many emotions: a profile of neutral speech alone takes neutral speech
    for less neutral than it is.
    """
    from ser_assets.runtime.progress import listening
    from ser_assets.serving import batch
    from ser_assets.serving.bundle import default_bundle

    settings = read_settings()
    with _clear_errors():
        recordings = batch.recordings_among(files)
        _tell_passed_over(files)
        batch.refuse_to_replace(out, recordings)
        with progress_bars(to_stderr=True) as listener, listening(listener):
            made = batch.enrol_speaker(
                recordings,
                out,
                bundle or default_bundle(settings.data_dir, settings.corpus_name),
                settings.worker_count,
            )
    _tell_refused(made.left_out)
    left_out = f", {len(made.left_out)} left out" if made.left_out else ""
    click.echo(f"{out}: the profile of a speaker, made of {made.clips} recordings{left_out}")


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Say in one line what the user can mend: recordings and targets (exit code 2), bundle, profile, disk, memory."""
    from ser_assets.learning.speakers.profile import ProfileError
    from ser_assets.runtime.workers import WorkerDiedError
    from ser_assets.serving.batch import NoRecordingError, ReplacesRecordingError
    from ser_assets.serving.bundle import BundleError

    try:
        yield
    except (NoRecordingError, ReplacesRecordingError) as error:
        raise click.UsageError(str(error)) from error
    except (BundleError, ProfileError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except WorkerDiedError as error:
        raise click.ClickException(
            "a worker process died, perhaps because memory ran out: try SER_WORKERS=1"
        ) from error


def _tell_passed_over(paths: Sequence[Path]) -> bool:
    """Say which files are no recordings, and which folders are closed; whether any is."""
    from ser_assets.corpus.media_files import skipped_text
    from ser_assets.serving.batch import passed_over

    skipped, closed = passed_over(paths)
    if skipped:
        click.echo(skipped_text(skipped), err=True)
    _tell_refused(closed)
    return bool(closed)


def _tell_remarks(results: "Sequence[Prediction | RejectedRecording]") -> None:
    from ser_assets.serving.batch import printable
    from ser_assets.serving.predictor import Prediction

    for each in results:
        for remark in each.remarks if isinstance(each, Prediction) else ():
            click.echo(f"{printable(each.path)} {remark}", err=True)


def _tell_refused(refused: "Sequence[RejectedRecording]") -> None:
    """Say which files cannot be used and why, those of one remedy together."""
    from ser_assets.serving.batch import printable

    by_remedy: dict[str, list[RejectedRecording]] = {}
    for each in refused:
        by_remedy.setdefault(each.remedy, []).append(each)
    for remedy, alike in by_remedy.items():
        for each in alike:
            click.echo(f"{printable(each.path)} {each.reason}", err=True)
        if remedy:
            click.echo(f"  -> {remedy}", err=True)


def _print_table(table: "Table") -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        # What reads it at the other end of a pipe wants one line a file.
        console.width = WIDE
    if table.row_count:
        console.print(table)
