"""Commands about recordings: where they come from, and what is wrong with them."""

from pathlib import Path

import click

from ser_assets.cli.parameters import ActorRange
from ser_assets.cli.terminal import progress_bars, read_corpus, read_settings

SHOWN = 5


@click.command("demo-corpus")
@click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
@click.option("--actors", type=ActorRange(), default="1-6", show_default=True, help="Actors to speak, such as 1-6.")
def demo_corpus(destination: Path, actors: tuple[str, ...]) -> None:
    """Make spoken recordings in the shape of RAVDESS under DESTINATION; what is there already is left alone."""
    from ser_assets.corpus.demo import make_demo_corpus

    settings = read_settings()
    with progress_bars() as listener:
        written = make_demo_corpus(
            destination, actors, settings.worker_count, lambda done, total: listener("demo corpus", done, total)
        )
    click.echo(f"{written} recordings written, {60 * len(actors) - written} were there, under {destination}")


@click.command()
@click.option("--all", "everything", is_flag=True, help="Name every file, not only the first few of a kind.")
def doctor(everything: bool) -> None:
    """Tell what is wrong with recordings and with what is at rest, and what to do. Exit code 1 if there is anything."""
    from ser_assets.corpus.entries import CorpusError
    from ser_assets.doctor import examine_all
    from ser_assets.progress import listening
    from ser_assets.storage.warehouse import WarehouseBusyError

    settings = read_settings()
    corpus = read_corpus(settings)
    try:
        with progress_bars(to_stderr=True) as listener, listening(listener):
            findings = list(examine_all(settings, corpus))
    except (CorpusError, WarehouseBusyError) as error:
        raise click.ClickException(str(error)) from error
    for finding in findings:
        number = f" ({len(finding.cases)})" if finding.cases else ""
        click.secho(f"{finding.title}{number}", bold=True, fg="red" if finding.urgent else None)
        shown = finding.cases if everything else finding.cases[:SHOWN]
        for case in shown:
            click.echo(f"  {case}")
        if len(shown) < len(finding.cases):
            click.echo(f"  … and {len(finding.cases) - len(shown)} more: --all")
        if finding.remedy:
            click.echo(f"  -> {finding.remedy}")
    if any(finding.urgent for finding in findings):
        raise SystemExit(1)
    click.echo("nothing needs doing")
