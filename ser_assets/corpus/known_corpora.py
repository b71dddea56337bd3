r"""Other corpora of emotional speech, known by their file names, and how each becomes a table of recordings.

Naming schemes, from the pages and papers of the corpora (several as the scripts in folder `datasets` of
`Strong-AI-Lab/emotion` read them):

- AESDD: m3c.web.auth.gr (speech emotion recognition); `a01 (1)`
- ASED: github.com/wgwangang/ASED_V1; `n1-01-01-01-01`
- CaFE: doi 10.5281/zenodo.1478765; `01-C-1-1`
- CREMA-D: Cao et al. 2014, github.com/CheyneyComputerScience/CREMA-D; `1001_DFA_ANG_XX`
- EMO-DB: Burkhardt et al. 2005, emodb.bilderbar.info; `03a01Fa`
- EmoV-DB: Adigwe et al. 2018, github.com/numediart/EmoV-DB; `anger_1-28_0001`
- EMOVO: Costantini et al. 2014; `dis-f1-b1`
- ESD: Zhou et al. 2021, github.com/HLTSingapore/Emotional-Speech-Data; `Angry/0001_000351`
- IEMOCAP: Busso et al. 2008; `Ses01F_impro01_F000`
- JL corpus: James et al. 2018; `male1_angry_10a_1`
- MELD: Poria et al. 2019, github.com/declare-lab/MELD; `dia0_utt0`
- nEMO: Christop 2024, huggingface.co/datasets/amu-cai/nEMO; `EB0_anger_1`
- SAVEE: Haq and Jackson 2009, kahlan.eps.surrey.ac.uk/savee; `DC/a01`, and `DC_a01` on Kaggle
- ShEMO: Nezami et al. 2019; `F01A01`
- SUBESCO: Sultana et al. 2021, doi 10.1371/journal.pone.0250173; `F_02_MONIKA_S_1_NEUTRAL_5`
- TESS: Pichora-Fuller and Dupuis 2020, doi 10.5683/SP2/E8H2MF; `OAF_back_angry`
- URDU: Latif et al. 2018, github.com/siddiquelatif/URDU-Dataset; `SM1_F1_A01`
"""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

FEWEST = 2
"""A single file that is named like another corpus may be chance."""
LEAST_SHARE = 0.1
"""So may few files among many others in the same folders."""


class Labelled(NamedTuple):
    """A recording, and what its name says."""

    path: Path
    speaker: str
    emotion: str


@dataclass(frozen=True)
class KnownCorpus:
    """A corpus, and what `folder/name` of its recordings looks like, without the ending.

    Attributes:
        pattern: groups `speaker` and `emotion`, where the name tells them.
        codes: what codes of emotions mean.
        labels: where the labels are, if not in the names.
        misspelt: speakers as some published names have them by mistake.
    """

    name: str
    pattern: str
    codes: Mapping[str, str] = field(default_factory=dict)
    labels: str = ""
    misspelt: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: Path) -> Labelled | None:
        """Read speaker and emotion from the name of a recording; None where it is not named like this corpus."""
        match = re.fullmatch(self.pattern, f"{path.parent.name}/{path.stem}", re.IGNORECASE)
        if match is None or self.labels:
            return None
        speaker, emotion = match["speaker"], match["emotion"]
        label = self.codes[emotion.upper()] if self.codes else emotion.lower()
        return Labelled(path, self.misspelt.get(speaker, speaker), label)


@dataclass(frozen=True)
class Recognised:
    """Recordings of another corpus: how many, the name of one, and the folder they were looked for in."""

    corpus: KnownCorpus
    count: int
    example: str
    folder: Path

    @property
    def note(self) -> str:
        """What it is, as a sentence without an end, and what to do, on lines of its own."""
        found = f"{self.count} recordings are named like {self.corpus.name} ({self.example})"
        if self.corpus.labels:
            return (
                f"{found}: to learn from them, write a table (path,speaker,emotion) from {self.corpus.labels}, and set "
                "SER_CORPUS=table SER_CORPUS_TABLE=that_table.csv"
            )
        name = self.corpus.name
        short = re.sub(r"\W+", "", name.lower())
        return (
            f"{found}: a table takes them. These lines make it and learn from it:\n"
            f"  ser-assets make-table {shlex.quote(str(self.folder))} {short}.csv --corpus {shlex.quote(name)}\n"
            f"  SER_CORPUS=table SER_CORPUS_TABLE={short}.csv ser-assets run"
        )


_GERMAN = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
_ITALIAN = {
    "DIS": "disgust",
    "GIO": "joy",
    "NEU": "neutral",
    "PAU": "fear",
    "RAB": "anger",
    "SOR": "surprise",
    "TRI": "sadness",
}
_FRENCH = {
    "C": "anger",
    "D": "disgust",
    "J": "happiness",
    "N": "neutral",
    "P": "fear",
    "S": "surprise",
    "T": "sadness",
}
_CREMA = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
_INITIALS = {
    "A": "anger",
    "D": "disgust",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "SA": "sadness",
    "SU": "surprise",
}
_PERSIAN = {**{key: _INITIALS[key] for key in "AFHNS"}, "W": "surprise"}
_NEMO_WORDS = "anger|fear|happiness|neutral|sadness|surprised?"
_TESS_WORDS = "angry|disgust|fear|happy|neutral|pleasant_surprised?|ps|sad"

KNOWN_CORPORA = (
    KnownCorpus(
        "CREMA-D", r".*/(?P<speaker>1\d{3})_[A-Z]{3}_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)", _CREMA
    ),
    KnownCorpus("TESS", rf".*/(?P<speaker>OAF?|YAF)_[a-z]+_(?P<emotion>{_TESS_WORDS})", misspelt={"OA": "OAF"}),
    KnownCorpus("SAVEE", r"(.*/)?(?P<speaker>DC|JE|JK|KL)[_/](?P<emotion>a|d|f|h|n|sa|su)\d\d", _INITIALS),
    KnownCorpus("EMO-DB", r".*/(?P<speaker>\d\d)[ab]\d\d(?P<emotion>[WLEAFTN])[a-z]?", _GERMAN),
    KnownCorpus("ESD", r"(?P<emotion>angry|happy|neutral|sad|surprise)/(?P<speaker>00(0[1-9]|1\d|20))_\d{6}"),
    KnownCorpus("JL corpus", r".*/(?P<speaker>(fe)?male[12])_(?P<emotion>[a-z]+)_\d+[ab]_[12]"),
    KnownCorpus("nEMO", rf".*/(?P<speaker>[A-Z]{{2,3}}\d?)_(?P<emotion>{_NEMO_WORDS})_\d+"),
    KnownCorpus("URDU", r".*/(?P<speaker>S[MF]\d+)_F\d+_(?P<emotion>[AHNS])\d+", _INITIALS),
    KnownCorpus("ShEMO", r".*/(?P<speaker>[FM]\d\d)(?P<emotion>[AFHNSW])\d\d", _PERSIAN),
    KnownCorpus("EMOVO", r".*/(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][1-3])-[a-z]\d", _ITALIAN),
    KnownCorpus("CaFE", r".*/(?P<speaker>(0\d|1[0-2]))-(?P<emotion>[CDJNPST])-[12]-[1-6]", _FRENCH),
    KnownCorpus("ASED", r".*/(?P<emotion>[AFHNS])\d-\d\d-\d\d-\d\d-(?P<speaker>\d\d)", _INITIALS),
    KnownCorpus(
        "SUBESCO",
        r".*/(?P<speaker>[FM]_\d\d_[A-Z]+)_S_\d+_(?P<emotion>ANGRY|DISGUST|FEAR|HAPPY|NEUTRAL|SAD|SURPRISE)_\d+",
    ),
    KnownCorpus("AESDD", r".*/(?P<emotion>[adfhs])\d\d \((?P<speaker>\d+)\)", _INITIALS),
    KnownCorpus(
        "EmoV-DB",
        r".*/(amused|anger|disgust|neutral|sleepiness)_\d+-\d+_\d{4}",
        labels="the folders of its speakers (bea, jenie, josh, sam) and emotions",
    ),
    KnownCorpus(
        "IEMOCAP", r".*/Ses0[1-5][FM]_(impro|script)\d\d\w*_[FM]\d{3}", labels="its dialog/EmoEvaluation/*.txt"
    ),
    KnownCorpus("MELD", r".*/dia\d+_utt\d+", labels="its *_sent_emo.csv"),
)
"""The more particular a name is, the further ahead: a recording counts for the first corpus that it fits."""


def recognise(paths: Iterable[Path], folder: Path) -> list[Recognised]:
    """Tell which known corpora these recordings under a folder are named like; those with most recordings first.

    A corpus counts if at least `FEWEST` recordings are named like it, and `LEAST_SHARE` of those in the same folders.
    """
    paths = list(paths)
    in_folder = Counter(path.parent for path in paths)
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = f"{path.parent.name}/{path.stem}"
        fitting = (corpus.name for corpus in KNOWN_CORPORA if re.fullmatch(corpus.pattern, name, re.IGNORECASE))
        if known := next(fitting, None):
            found.setdefault(known, []).append(path)
    recognised = [
        Recognised(corpus, len(found[corpus.name]), found[corpus.name][0].name, folder)
        for corpus in KNOWN_CORPORA
        if len(own := found.get(corpus.name, [])) >= FEWEST
        and len(own) >= LEAST_SHARE * sum(in_folder[parent] for parent in {path.parent for path in own})
    ]
    return sorted(recognised, key=lambda each: -each.count)
