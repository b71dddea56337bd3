"""When two spellings of a label or a speaker are one, and in which order speakers come."""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

# In any case; `NA` means the same in capitals only, as R writes it: Na is a name.
_MISSING = frozenset({"", "nan", "none", "n/a", "#n/a", "null", "<na>"})
_NOT_AVAILABLE = "NA"

_SPACE = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_DOTTED = re.compile("i\u0307+")
_MINUS = "\u2212"
_NUMBER = re.compile(r"0*(\d+)(?:\.0+)?")


def plain(text: str) -> str:
    """Text in composed form, without spaces around it and without invisible characters; every space is a plain one."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        if not text.isprintable():
            text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
            text = _SPACE.sub(" ", text)
    return text.strip()


def is_missing(text: str) -> bool:
    """Whether plain text stands for a value that is not there: empty, NaN, None, N/A, NULL in any case, or NA."""
    return text == _NOT_AVAILABLE or text.casefold() in _MISSING


def label_of(text: str) -> str:
    """A label as it is kept: composed, in lower case, `1` for `01` and `1.0`, `-` for dashes.

    Examples:
        >>> label_of("  Neutral "), label_of("01"), label_of("1.0")
        ('neutral', '1', '1')
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # The capital İ folds to an i with a dot above it, which looks like i and is not.
    folded = " ".join(_DOTTED.sub("i", folded).split())
    if not folded.isascii():
        folded = "".join("-" if _is_dash(letter) else letter for letter in folded)
    number = _NUMBER.fullmatch(folded)
    return number[1] if number else folded


def same_labels(texts: Iterable[str]) -> dict[str, str]:
    """Map every spelling to its label; spellings that differ only by case or Unicode form have one label.

    The Turkish ı has the capital I, whose lower case elsewhere is i: `sıkıntı` and `SIKINTI` are one label, spelled
    with as many ı as any of them has.
    """
    label: dict[str, str] = {text: label_of(text) for text in texts}
    alike: dict[str, set[str]] = defaultdict(set)
    for folded in label.values():
        alike[_without_dotless(folded)].add(folded)
    best = {key: min(spelled, key=lambda one: (-one.count("ı"), one)) for key, spelled in alike.items()}
    return {text: best[_without_dotless(folded)] for text, folded in label.items()}


def name_key(name: str) -> str:
    """What names have in common that differ only by case, leading zeros, a trailing `.0`, spaces or Unicode form."""
    folded = _without_dotless(label_of(name)).replace(" ", "")
    if not folded.isascii():
        folded = "".join(str(unicodedata.decimal(letter, letter)) for letter in folded)
    whole = re.sub(r"(?<=\d)[.,]0+$", "", folded)
    return re.sub(r"(?<!\d)0+(?=\d)", "", whole)


def ambiguous_speakers(places: Mapping[str, str]) -> list[list[str]]:
    """Group speakers whose names differ only by case, leading zeros, a trailing `.0`, spaces, dashes or Unicode form.

    Args:
        places: where each speaker is named first. Groups of two or more names, in the order of the speakers.

    Examples:
        >>> ambiguous_speakers({"Ann": "line 2", "Bob": "line 3", "ann": "line 9"})
        [['Ann', 'ann']]
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for speaker in places:
        alike[name_key(speaker)].append(speaker)
    return [names for names in alike.values() if len(names) > 1]


def natural_order(name: str) -> tuple[Sequence[str | int], str]:
    """Sort key of a name in which numbers count as numbers: 1, 2, 3, 10.

    Examples:
        >>> sorted(["10", "2", "Ann", "1"], key=natural_order)
        ['1', '2', '10', 'Ann']
    """
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], name


def names_in(text: str) -> list[str]:
    """Names written with commas between; one with a comma of its own stands in double quotes.

    Examples:
        >>> names_in('Ann, "Bob, the elder"')
        ['Ann', 'Bob, the elder']
    """
    row = next(csv.reader(io.StringIO(text), skipinitialspace=True), [])
    return [name.strip() for name in row if name.strip()]


def names_joined(names: Iterable[str]) -> str:
    """Write names with commas between, as `names_in` reads them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue()


def _is_dash(letter: str) -> bool:
    return letter == _MINUS or unicodedata.category(letter) == "Pd"


def _without_dotless(text: str) -> str:
    return text.replace("ı", "i")
