"""Another corpus under the folder of recordings is known by its file names, and becomes a table."""

import csv
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from ser_assets.cli import main
from ser_assets.corpus.known_corpora import KNOWN_CORPORA, recognise
from ser_assets.corpus.ravdess import Ravdess

# Name of the corpus, recordings as they are called there, and who speaks how in the first of them.
NAMED = [
    ("CREMA-D", ["AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1091_WSI_SAD_HI.wav"], ("1001", "anger")),
    ("CREMA-D", ["VideoFlash/1040_IEO_DIS_MD.mp4", "VideoFlash/1076_MTI_NEU_X.mp4"], ("1040", "disgust")),
    ("TESS", ["OAF_Fear/OAF_back_fear.wav", "YAF_pleasant_surprised/YAF_dog_ps.wav"], ("OAF", "fear")),
    ("SAVEE", ["AudioData/DC/a01.wav", "AudioData/KL/su15.wav"], ("DC", "anger")),
    ("SAVEE", ["ALL/JE_sa03.wav", "ALL/JK_n30.wav"], ("JE", "sadness")),
    ("EMO-DB", ["wav/03a01Fa.wav", "wav/16b10Wb.wav"], ("03", "happiness")),
    ("ESD", ["0011/Angry/0011_000351.wav", "0020/Sad/0020_001750.wav"], ("0011", "angry")),
    ("JL corpus", ["JL(wav+txt)/female1_anxious_11a_1.wav", "JL(wav+txt)/male2_sad_9b_2.wav"], ("female1", "anxious")),
    ("nEMO", ["samples/EB0_anger_1.wav", "samples/MIK_neutral_90.wav"], ("EB0", "anger")),
    ("URDU", ["Angry/SM1_F10_A010.wav", "Happy/SF2_F3_H03.wav"], ("SM1", "anger")),
    ("ShEMO", ["female/F01A01.wav", "male/M44W02.wav"], ("F01", "anger")),
    ("EMOVO", ["f1/dis-f1-b1.wav", "m3/tri-m3-n5.wav"], ("f1", "disgust")),
    ("CaFE", ["Joie/Fort/01-J-2-1.wav", "Neutre/12-N-1-6.wav"], ("01", "happiness")),
    ("ASED", ["01Neutral/n1-01-01-01-05.wav", "04Sad/S4-04-02-01-29.wav"], ("05", "neutral")),
    ("SUBESCO", ["F_02_MONIKA_S_1_NEUTRAL_5.wav", "M_11_SHIPON_S_10_FEAR_1.wav"], ("F_02_MONIKA", "neutral")),
    ("TESS", ["OAF_neutral/OA_bite_neutral.wav", "YAF_sad/YAF_dog_sad.wav"], ("OAF", "neutral")),
    ("AESDD", ["anger/a01 (1).wav", "sadness/s19 (5).wav"], ("1", "anger")),
]
LABELS_ELSEWHERE = [
    ("IEMOCAP", ["Ses01F_impro01/Ses01F_impro01_F000.wav", "Ses05M_script01_1b/Ses05M_script01_1b_M012.wav"]),
    ("MELD", ["train_splits/dia0_utt0.mp4", "train_splits/dia1038_utt16.mp4"]),
    ("EmoV-DB", ["bea/amused_1-15_0001.wav", "sam/sleepiness_29-56_0056.wav"]),
]


def put(folder: Path, names: list[str]) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


@pytest.mark.parametrize(("corpus", "names", "first"), NAMED, ids=lambda value: str(value)[:40])
def test_the_command_that_is_shown_makes_the_table(
    corpus: str, names: list[str], first: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [found] = recognise(put(tmp_path / "it's raw", names), tmp_path / "it's raw")
    assert (found.corpus.name, found.count) == (corpus, 2)
    assert "SER_DATA_DIR" not in found.note
    program, *arguments = shlex.split(found.note.splitlines()[1])
    made = CliRunner().invoke(main, arguments)
    assert (program, made.exit_code) == ("ser-assets", 0), made.output
    assert "2 of 2 recordings, 2 speakers" in made.output
    with Path(arguments[2]).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {Path(row["path"]) for row in rows} == {(tmp_path / "it's raw" / name).resolve() for name in names}
    assert (rows[0]["speaker"], rows[0]["emotion"]) == first


def test_a_table_is_not_replaced_and_a_folder_without_such_names_makes_none(tmp_path: Path) -> None:
    put(tmp_path / "crema", NAMED[0][1])
    put(tmp_path / "other", ["a.wav", "b.wav"])
    table = tmp_path / "voices.csv"
    assert CliRunner().invoke(main, ["make-table", str(tmp_path / "crema"), str(table)]).exit_code == 0
    before = table.read_bytes()
    again = CliRunner().invoke(main, ["make-table", str(tmp_path / "crema"), str(table)])
    assert (again.exit_code, table.read_bytes()) == (1, before)
    assert f"{table} exists" in again.output
    none = CliRunner().invoke(main, ["make-table", str(tmp_path / "other"), str(tmp_path / "none.csv")])
    assert none.exit_code == 1
    assert "have the name of a known corpus (CREMA-D, TESS, " in " ".join(none.output.split())
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(("corpus", "names"), LABELS_ELSEWHERE)
def test_where_names_tell_no_label_it_is_told_where_the_labels_are(
    corpus: str, names: list[str], tmp_path: Path
) -> None:
    [found] = recognise(put(tmp_path, names), tmp_path)
    assert found.corpus.name == corpus
    assert found.corpus.labels in found.note
    assert "SER_CORPUS=table" in found.note


@pytest.mark.parametrize(
    "names",
    [
        ["Actor_01/03-01-05-01-01-01-01.wav", "Actor_02/03-01-06-01-01-01-02.wav"],
        ["clips/0001.wav", "clips/0002.wav"],
        ["Ann/happy.wav", "Ann/sad_1.wav", "Bob/take 3.wav"],
        ["wav/03a01Fa.wav", "notes.wav"],
        ["wav/03a01Fa.wav", "wav/03a02Fa.wav", *(f"wav/note {number}.wav" for number in range(19))],
    ],
)
def test_what_is_no_other_corpus_or_may_be_chance_is_not_named(names: list[str], tmp_path: Path) -> None:
    assert recognise([tmp_path / name for name in names], tmp_path) == []


def test_every_corpus_is_tried_and_tells_speaker_and_emotion_or_where_they_are() -> None:
    assert {corpus.name for corpus in KNOWN_CORPORA} == {case[0] for case in (*NAMED, *LABELS_ELSEWHERE)}
    for corpus in KNOWN_CORPORA:
        groups = set(re.compile(corpus.pattern).groupindex)
        assert bool(corpus.labels) != (groups == {"speaker", "emotion"})


@pytest.mark.parametrize("beside", [[], ["Actor_01/03-01-05-01-01-01-01.wav"]], ids=["alone", "beside RAVDESS"])
def test_a_corpus_alone_or_beside_ravdess_is_told(beside: list[str], tmp_path: Path) -> None:
    put(tmp_path, [*NAMED[5][1], *NAMED[2][1], *beside])
    listing = Ravdess(tmp_path).listing()
    assert len(listing.entries) == len(beside)
    assert [note.partition(":")[0] for note in listing.notes] == [
        "2 recordings are named like TESS (OAF_back_fear.wav)",
        "2 recordings are named like EMO-DB (03a01Fa.wav)",
    ]
    assert all(note in Ravdess(tmp_path).missing_recordings_message("03") for note in listing.notes)


def test_a_corpus_in_folders_of_actors_is_told_too(tmp_path: Path) -> None:
    put(tmp_path, ["Actor_01/1001_DFA_ANG_XX.wav", "Actor_02/1002_DFA_ANG_XX.wav"])
    assert "CREMA-D" in Ravdess(tmp_path).listing().notes[0]
