"""The command `ser-assets`: arguments, messages and exit codes.

Each module holds the commands of one subject. The work itself belongs to the packages below, which are imported inside
the commands, so that `--help` answers at once.
"""

import click

from ser_assets.cli.corpus import demo_corpus, doctor, download, make_table
from ser_assets.cli.demo_run import demo
from ser_assets.cli.entry import Commands
from ser_assets.cli.forgetting import forget
from ser_assets.cli.keeping import backup, prune, restore
from ser_assets.cli.predicting import enrol_speaker, predict
from ser_assets.cli.running import reproduce_notebook, run, scores
from ser_assets.cli.study import study


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ser-assets")
def main() -> None:
    """Speech emotion recognition as data assets, evaluated on speakers that are not in the training set."""


COMMANDS = (
    demo,
    demo_corpus,
    download,
    make_table,
    run,
    doctor,
    scores,
    reproduce_notebook,
    predict,
    enrol_speaker,
    study,
    forget,
    prune,
    backup,
    restore,
)

for command in COMMANDS:
    main.add_command(command)
