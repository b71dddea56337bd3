"""Learning curves as TensorBoard reads them, for those who ask for them."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class TensorBoardMissingError(ImportError):
    """TensorBoard is not installed; the message names the remedy."""


def require_tensorboard() -> None:
    """Raise TensorBoardMissingError where it is not installed: before the training, not after it."""
    try:
        import tensorboard.summary  # noqa: F401
    except ImportError as error:
        raise TensorBoardMissingError(
            "TensorBoard is not installed: `pip install 'ser-assets[tensorboard]'`, or leave SER_TENSORBOARD out"
        ) from error


def write_logs(curves: "pd.DataFrame", folder: Path) -> None:
    """Write one run for each fold and part, with scalars `loss` and `accuracy` by epoch.

    Args:
        curves: as `evaluate.Evaluation.learning_curves`.
        folder: one of the model; `tensorboard --logdir` takes it or any above. Runs of fold 1 lie in
            `speaker_independent luna5/fold 1/training` and `.../validation`.
    """
    from tensorboard.summary import Writer

    for (protocol, fold_scheme, fold, part), curve in curves.groupby(["protocol", "fold_scheme", "fold", "subset"]):
        writer = Writer(str(folder / f"{protocol} {fold_scheme}".strip() / f"fold {fold}" / str(part)))
        for row in curve.sort_values("epoch").to_dict("records"):
            writer.add_scalar("loss", row["loss"], step=row["epoch"])
            writer.add_scalar("accuracy", row["accuracy"], step=row["epoch"])
        writer.close()
