"""Names in scripts that the font of a figure lacks: spelled in Latin letters, with a legend in the picture's file."""

import io
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text
    from matplotlib.ticker import Formatter

LEGEND_KEY = "Description"
_AROUND_A_WORD = "()[]{},;:.\"'“”"


def spell_out(figure: "Figure") -> str:
    """Write the words of a figure that its font cannot show in Latin letters.

    Two words never get one spelling, also where their letters would give the same.

    Returns: the legend, such as `GaoXing = 高兴, Bei = 悲`; empty where the font can show everything.
    """
    from matplotlib.text import Text

    named = [(axis, axis.get_ticklabels()) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text().strip()]
    spellings = _spellings(texts)
    if not spellings:
        return ""
    for axis, names in named:
        # Names of ticks are written again at every drawing, by their formatter.
        if not all(name.get_text().isascii() for name in names):
            axis.set_major_formatter(_spelling_formatter(axis.get_major_formatter(), spellings))
    for text in texts:
        text.set_text(_spelled(text.get_text(), spellings))
    return ", ".join(f"{spelling} = {word}" for word, spelling in spellings.items())


def legend_of(png: bytes) -> str:
    """The legend that a picture carries: which spelling stands for which word; empty for none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png)) as picture:
            return str(picture.info.get(LEGEND_KEY, ""))
    except (OSError, ValueError, SyntaxError):
        # A stored picture may be damaged: nothing that matters is lost by that.
        return ""


def drawn_length(name: str) -> int:
    """About how many letters a name takes in a figure."""
    from anyascii import anyascii

    return len(name if name.isascii() else anyascii(name))


def _spellings(texts: Iterable["Text"]) -> dict[str, str]:
    """Spelling of each word that cannot be shown, in the order of the words."""
    from anyascii import anyascii

    shown: set[str] = set()
    lacking: set[str] = set()
    for text in texts:
        for word in map(_core, text.get_text().split()):
            (shown if _can_show(text.get_fontproperties(), word) else lacking).add(word)
    spellings: dict[str, str] = {}
    for word in sorted(lacking):
        base = anyascii(word).strip() or "-".join(f"U+{ord(letter):04X}" for letter in word)
        taken = shown | set(spellings.values())
        numbered = (f"{base}{number}" for number in range(2, sys.maxsize))
        spellings[word] = base if base not in taken else next(name for name in numbered if name not in taken)
    return spellings


def _spelled(text: str, spellings: dict[str, str]) -> str:
    words = {_core(word) for word in text.split()} & spellings.keys()
    # Longer words first: one may be part of another.
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, spellings[word])
    return text


def _core(word: str) -> str:
    return word.strip(_AROUND_A_WORD) or word


def _can_show(font: "FontProperties", word: str) -> bool:
    if word.isascii():
        return True
    from matplotlib.font_manager import findfont, get_font

    if _runs_leftwards(word):
        # Beside numbers and English words they would be put in another order, and before version 3.11 matplotlib does
        # not join the letters.
        return False
    face = get_font(findfont(font))
    return all(face.get_char_index(ord(letter)) for letter in word)


def _runs_leftwards(word: str) -> bool:
    import unicodedata

    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in word)


def _spelling_formatter(original: "Formatter", spellings: dict[str, str]) -> "Formatter":
    from matplotlib.ticker import Formatter

    class SpellingFormatter(Formatter):
        """Names ticks as the original does, and spells the names."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return _spelled(original(x, pos), spellings)

        def format_ticks(self, values: list[float]) -> list[str]:
            original.set_axis(self.axis)
            return [_spelled(name, spellings) for name in original.format_ticks(values)]

    return SpellingFormatter()
