"""The licence of RAVDESS, and whether the user has agreed to it."""

from datetime import UTC, datetime
from pathlib import Path

from ser_assets.corpus.zenodo.unpacking import make_folder

LICENCE = "CC BY-NC-SA 4.0"
NOTICE = f"""\
The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS) is licensed {LICENCE}: it may be used and
shared for purposes that are not commercial, with credit to its authors, and what is made of it under the same licence.
https://creativecommons.org/licenses/by-nc-sa/4.0/

Whoever publishes with it cites: Livingstone SR, Russo FA (2018) The Ryerson Audio-Visual Database of Emotional Speech
and Song (RAVDESS): A dynamic, multimodal set of facial and vocal expressions in North American English. PLoS ONE 13(5):
e0196391. https://doi.org/10.1371/journal.pone.0196391
The recordings: https://doi.org/10.5281/zenodo.1188976"""


def has_agreed(downloads_dir: Path) -> bool:
    """Tell whether the user of this folder of downloads has agreed to the licence before."""
    return _agreement(downloads_dir).exists()


def remember_agreement(downloads_dir: Path) -> None:
    """Note that, and when, the user agreed to the licence; raise DownloadError where its folder cannot be made."""
    make_folder(downloads_dir)
    _agreement(downloads_dir).write_text(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: agreed to this.\n\n{NOTICE}\n")


def _agreement(downloads_dir: Path) -> Path:
    return downloads_dir / "licence-agreed.txt"
