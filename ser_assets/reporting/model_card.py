"""The model card: what the champion is, what it is for and what not, and how well it does (Mitchell et al. 2019).

"Model cards for model reporting", doi 10.1145/3287560.3287596.
"""

from typing import TYPE_CHECKING, Any, Final

from ser_assets.reporting.labels import (
    INTERVAL_NOTE,
    METRIC_NAMES,
    chance_of,
    decimal,
    join_words,
    model_title,
    readable,
)

if TYPE_CHECKING:
    import pandas as pd

METRICS_SHOWN: Final = ("uar", "accuracy", "f1_macro", "roc_auc", "calibration_error")


def model_card(facts: dict[str, Any], scores: "pd.DataFrame") -> str:
    """Write the card as Markdown.

    Args:
        facts: as in bundle.json.
        scores: rows of this model in `evaluation.scores.score_table`, of every protocol.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from ser_assets.reporting.leaderboard import leaderboards

    environment = Environment(
        loader=PackageLoader("ser_assets.reporting"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is Markdown, of our own facts
    )
    model, tables = facts["model"], leaderboards(scores)
    return environment.get_template("model_card.md.jinja").render(
        **facts,
        name=model_title(model),
        members=[model_title(name) for name in facts["training"]["members"]],
        speaker_normalised=any(file.startswith("speaker_normalised/") for file in facts["files"]),
        metrics={metric: readable(metric, METRIC_NAMES) for metric in METRICS_SHOWN},
        leaderboards=[(table, table.rows[model]) for table in tables],
        notes={table.name: table.note for table in tables},
        interval_note=INTERVAL_NOTE,
        join_words=join_words,
        chance=decimal(chance_of(facts["emotions"])),
        ravdess=facts["corpus"]["name"] == "ravdess",
    )


def without_header(card: str) -> str:
    r"""A model card without its YAML header, for pages that would show it as text.

    Examples:
        >>> without_header("---\nlicense: other\n---\n\n# Model card\n")
        '# Model card\n'
    """
    return card.removeprefix("---\n").partition("\n---\n")[2].lstrip() if card.startswith("---\n") else card
