"""The command `ser-assets`: what users type in a shell."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_assets.corpus.ravdess import ACTORS

if TYPE_CHECKING:
    from rich.table import Table

    from ser_assets.progress import Listener
    from ser_assets.serving.predictor import Refused
    from ser_assets.settings import Settings
    from ser_assets.studies import Study


MODEL_NAMES = ("random_forest", "neural_network", "cnn", "complex_cnn")
MOST_ACTORS = 999
WIDE = 1000


class ActorRange(click.ParamType):
    """Actors as people write them: `1-6`, `1,3,5` or `7`."""

    name = "actors"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Turn the text into actor codes, `01` to `24`, sorted."""
        if isinstance(value, tuple):
            return value
        chosen: set[int] = set()
        for part in value.split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()):
                self.fail(f"{value!r} names no actors; write 1-6, or 1,3,5", param, ctx)
            chosen.update(range(int(first), min(int(last or first), MOST_ACTORS) + 1))
        actors = tuple(f"{number:02d}" for number in sorted(chosen))
        if strangers := [actor for actor in actors if actor not in ACTORS]:
            self.fail(f"there is no actor {', '.join(strangers)}; RAVDESS has 1 to 24", param, ctx)
        if not actors:
            self.fail(f"{value!r} names no actors; write 1-6, or 1,3,5", param, ctx)
        return actors


class JsonObject(click.ParamType):
    """A JSON object."""

    name = "json"

    def convert(
        self, value: str | dict[str, Any], param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Turn the text into a dictionary."""
        if isinstance(value, dict):
            return value
        try:
            parsed = json.loads(value)
        except ValueError as error:
            self.fail(f"is not JSON: {error}", param, ctx)
        if not isinstance(parsed, dict):
            self.fail('is no JSON object such as {"ops": {}}', param, ctx)
        return parsed


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-assets")
def main() -> None:
    """Speech emotion recognition as data assets, judged on speakers that the models have never heard."""


@main.command("demo-corpus")
@click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
@click.option("--actors", type=ActorRange(), default="1-6", show_default=True, help="Actors to speak, such as 1-6.")
def demo_corpus(destination: Path, actors: tuple[str, ...]) -> None:
    """Make spoken recordings in the shape of RAVDESS under DESTINATION; what is there already is left alone."""
    from ser_assets.corpus.demo import make_demo_corpus

    settings = _settings()
    with _bars() as listener:
        written = make_demo_corpus(
            destination, actors, settings.worker_count, lambda done, total: listener("demo corpus", done, total)
        )
    click.echo(f"{written} recordings written, {60 * len(actors) - written} were there, under {destination}")


@main.command()
@click.option("--actors", type=ActorRange(), default=None, help="Only these actors, such as 1-20; else all on disk.")
@click.option(
    "--config-json",
    type=JsonObject(),
    default=None,
    help='Settings of models, as in the launchpad: {"ops": {"cnn": {"config": {"epochs": 5}}}}.',
)
def run(actors: tuple[str, ...] | None, config_json: dict[str, Any] | None) -> None:
    """Materialize everything for the actors on disk: clips, features, models, report, champion."""
    from ser_assets.corpus.inventory import find_recordings

    settings = _settings()
    on_disk = tuple(find_recordings(settings.raw_dir))
    if not on_disk:
        raise click.ClickException(
            f"no recordings under {settings.raw_dir}/**/Actor_NN/: copy RAVDESS files there, or make spoken ones with "
            f"`ser-assets demo-corpus {settings.raw_dir}/demo`"
        )
    from ser_assets.automation import ConfigError, refresh
    from ser_assets.definitions import build_definitions
    from ser_assets.progress import listening
    from ser_assets.storage.tables import RAW_VIDEOS, actors_with_takes, records
    from ser_assets.storage.warehouse import Warehouse

    warehouse = Warehouse(settings.data_dir)
    try:
        with _bars() as listener, listening(listener):
            refreshed = refresh(
                build_definitions(settings), actors or on_disk, lambda: actors_with_takes(warehouse), config_json
            )
    except ConfigError as error:
        raise click.BadParameter(str(error), param_hint="--config-json") from error
    if rejected := len(records(warehouse, RAW_VIDEOS, "status = 'rejected'", columns=["path"])):
        click.echo(f"{rejected} files rejected: the report and table raw_videos tell why")
    if refreshed.finished:
        _show_scores(settings)
    if refreshed.failures:
        raise click.ClickException("\n".join(refreshed.failures))


@main.command()
def scores() -> None:
    """Print the score table of the last report and where the report is."""
    _show_scores(_settings())


@main.command("replay-notebook")
@click.option("--actors", type=ActorRange(), default=None, help="Only these actors, such as 1-20; else all with clips.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown, and all else to standard error.")
def replay_notebook(actors: tuple[str, ...] | None, markdown: bool) -> None:
    """Judge the notebook's four models its own way and on unseen actors, beside what it claims (takes minutes)."""
    from ser_assets.progress import listening
    from ser_assets.replay import ReplayError, replay_for_terminal, replay_markdown
    from ser_assets.replay import replay_notebook as replay
    from ser_assets.storage.actor_files import ClipsMissingError
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError

    settings = _settings()
    try:
        with _bars(to_stderr=markdown) as listener, listening(listener):
            table = replay(settings, actors)
    except (ReplayError, ClipsMissingError, WarehouseBusyError, WarehouseDamagedError) as error:
        raise click.ClickException(str(error)) from error
    from rich.console import Console

    from ser_assets.reporting.replay import replay_gap, replayed_models

    if markdown:
        click.echo(replay_markdown(table))
    else:
        Console().print(replay_for_terminal(table))
    click.echo(
        f"{replay_gap(replayed_models(table))}\n"
        "The notebook has every actor, and copies of what it judges, on both sides of its split; what a new speaker "
        "will get is the column of unseen actors.\n"
        "the next metrics_report shows this: `.venv/bin/dagster asset materialize --select metrics_report -m "
        "ser_assets.definitions`",
        err=markdown,
    )


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--csv", "table", type=click.Path(dir_okay=False, path_type=Path), help="Write the results here, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, and all else to standard error.")
@click.option(
    "--profile", type=click.Path(dir_okay=False, path_type=Path), help="Profile of the speaker (calibrate-speaker)."
)
@click.option("--bundle", type=click.Path(path_type=Path), help="Folder of the bundle.  [default: the champion's]")
def predict(
    paths: tuple[Path, ...], table: Path | None, as_json: bool, profile: Path | None, bundle: Path | None
) -> None:
    """Name the emotion in recordings: files, and folders at any depth. Exit code 1 if one of them cannot be used."""
    from ser_assets import predicting
    from ser_assets.progress import listening
    from ser_assets.serving.bundle import champion_folder
    from ser_assets.serving.predictor import Refused

    settings = _settings()
    with _clear_errors():
        recordings = predicting.recordings_among(paths)
        if table:
            predicting.refuse_to_replace(table, recordings)
        predictor = predicting.open_predictor(bundle or champion_folder(settings.data_dir), profile)
        if predictor.bundle.is_demo:
            click.echo("this model learned from a synthesiser's voices: what it says of people means nothing", err=True)
        if profile and not predictor.knows_bias:
            click.echo(
                f"{profile} was made with another model, and only part of it can be used: make it again with "
                "`calibrate-speaker`",
                err=True,
            )
        with _bars(to_stderr=True) as listener, listening(listener):
            results = list(predicting.predict_recordings(recordings, predictor, settings.worker_count))
        if table:
            predicting.write_csv(results, table)
    if as_json:
        click.echo(predicting.as_json(results))
    else:
        _print_table(predicting.table_for_terminal(results))
    refused = [each for each in results if isinstance(each, Refused)]
    _tell_refused(refused)
    if refused:
        raise SystemExit(1)


@main.command("calibrate-speaker")
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Profile to write (JSON).")
@click.option("--bundle", type=click.Path(path_type=Path), help="Folder of the bundle.  [default: the champion's]")
def calibrate_speaker(files: tuple[Path, ...], out: Path, bundle: Path | None) -> None:
    """Learn what is usual for one speaker from unlabelled recordings, for `predict --profile`.

    The recordings need no label, but should show many emotions: a profile of neutral speech alone takes neutral speech
    for less neutral than it is.
    """
    from ser_assets import predicting
    from ser_assets.progress import listening
    from ser_assets.serving.bundle import champion_folder

    settings = _settings()
    with _clear_errors():
        recordings = predicting.recordings_among(files)
        predicting.refuse_to_replace(out, recordings)
        with _bars(to_stderr=True) as listener, listening(listener):
            made = predicting.calibrate_speaker(
                recordings, out, bundle or champion_folder(settings.data_dir), settings.worker_count
            )
    _tell_refused(made.left_out)
    left_out = f", {len(made.left_out)} left out" if made.left_out else ""
    click.echo(f"{out}: the profile of a speaker, made of {made.clips} recordings{left_out}")


@main.group()
def study() -> None:
    """Ask the features at hand a question: a table in Markdown, and nothing is changed."""


@study.command("ablation")
def study_ablation() -> None:
    """What each group of functionals brings on unseen actors, by a linear judge (takes minutes)."""
    from ser_assets.studies import ablate, ablation_markdown

    _study(lambda opened: ablation_markdown(ablate(opened)))


@study.command("calibration")
@click.option("--model", type=click.Choice(MODEL_NAMES), default="neural_network", show_default=True)
def study_calibration(model: str) -> None:
    """How many unlabelled clips of a new speaker calibration needs (takes minutes)."""
    from ser_assets.studies import curve, curve_markdown

    _study(lambda opened: curve_markdown(curve(opened, model)))


@study.command("settings")
@click.argument("model", type=click.Choice(MODEL_NAMES))
@click.option("--trials", type=click.IntRange(2), default=12, show_default=True, help="Settings to try.")
def study_settings(model: str, trials: int) -> None:
    """Search the settings of a model inside the training actors of each fold (takes from minutes to hours)."""
    from ser_assets.studies import find_settings, found_markdown

    _study(lambda opened: found_markdown(find_settings(opened, model, trials)))


def _study(answer: "Callable[[Study], str]") -> None:
    from ser_assets.assets.examples import FeaturesMissingError
    from ser_assets.progress import listening
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError
    from ser_assets.studies import open_study

    try:
        with _bars(to_stderr=True) as listener, listening(listener):
            opened = open_study(_settings())
            table = answer(opened)
    except (FeaturesMissingError, WarehouseBusyError, WarehouseDamagedError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{opened.basis}; 95 % intervals by bootstrap over actors\n\n{table}")


def _settings() -> "Settings":
    from pydantic import ValidationError

    from ser_assets.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            f"{'SER_' + str(item['loc'][0]).upper() if item['loc'] else 'settings'}: {item['msg']}"
            for item in error.errors()
        ]
        raise click.ClickException("\n".join(wrong)) from error


def _show_scores(settings: "Settings") -> None:
    from rich.console import Console

    from ser_assets.storage.tables import SCORES, notice_of_demo
    from ser_assets.storage.warehouse import Warehouse, WarehouseBusyError, WarehouseDamagedError

    warehouse = Warehouse(settings.data_dir)
    try:
        if not warehouse.has_table(SCORES):
            raise click.ClickException(f"no scores in {warehouse.path} yet: `ser-assets run` makes them")
    except (WarehouseBusyError, WarehouseDamagedError) as error:
        raise click.ClickException(str(error)) from error
    from ser_assets.reporting.summary import score_table_for_terminal
    from ser_assets.serving.bundle import BundleError, champion_folder, open_bundle

    Console().print(score_table_for_terminal(warehouse.query(f"FROM {SCORES}")))
    if notice := notice_of_demo(warehouse):
        click.echo(notice)
    click.echo(f"report: {settings.data_dir / 'report' / 'index.html'}")
    with suppress(BundleError):
        click.echo(f"champion, which `predict` asks: {open_bundle(champion_folder(settings.data_dir)).facts['why']}")


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Say in one line what the user can mend: recordings and targets (exit code 2), bundle, profile, disk, memory."""
    from ser_assets.learning.calibration import ProfileError
    from ser_assets.predicting import NoRecordingError, ReplacesRecordingError
    from ser_assets.serving.bundle import BundleError
    from ser_assets.workers import WorkerDiedError

    try:
        yield
    except (NoRecordingError, ReplacesRecordingError) as error:
        raise click.UsageError(str(error)) from error
    except (BundleError, ProfileError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except WorkerDiedError as error:
        raise click.ClickException("a worker process died, perhaps for want of memory: try SER_WORKERS=1") from error


def _tell_refused(refused: "Sequence[Refused]") -> None:
    from ser_assets.predicting import printable

    for each in refused:
        click.echo(f"{printable(each.path)} {each.reason}", err=True)


def _print_table(table: "Table") -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        # What reads it at the other end of a pipe wants one line a file.
        console.width = WIDE
    if table.row_count:
        console.print(table)


@contextmanager
def _bars(*, to_stderr: bool = False) -> Iterator["Listener"]:
    """Show a progress bar for each name that the listener is told of; away from a terminal a line when it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=to_stderr)
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def listen(name: str, done: int, total: int) -> None:
            if name not in tasks or bars.tasks[tasks[name]].total != total:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)
            if done == total and not console.is_terminal:
                click.echo(f"{name}: {done} of {total} done", err=to_stderr)

        yield listen
