"""The file-name code of RAVDESS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_assets.corpus.ravdess import ACTORS, EMOTIONS, NotATakeError, parse_name


def test_every_field_of_a_name_is_read() -> None:
    take = parse_name("03-01-06-02-01-02-12")
    assert (take.modality, take.vocal_channel, take.emotion, take.intensity) == (
        "audio-only",
        "speech",
        "fearful",
        "strong",
    )
    assert (take.statement, take.repetition, take.actor, take.gender) == (
        "Kids are talking by the door",
        2,
        "12",
        "female",
    )


def test_the_video_and_the_audio_of_one_performance_are_one_take() -> None:
    assert parse_name("01-01-03-01-01-01-05").take_id == parse_name("03-01-03-01-01-01-05").take_id


@given(st.sampled_from(EMOTIONS[1:]), st.sampled_from([1, 2]), st.sampled_from(ACTORS))
def test_any_code_that_exists_comes_back_as_it_went_in(emotion: str, intensity: int, actor: str) -> None:
    take = parse_name(f"03-01-{EMOTIONS.index(emotion) + 1:02d}-{intensity:02d}-02-01-{actor}")
    assert (take.emotion, take.actor) == (emotion, actor)
    assert take.gender == ("female" if int(actor) % 2 == 0 else "male")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("holiday", "not a RAVDESS name"),
        ("03-01-03-01-01-01", "not a RAVDESS name"),
        ("._03-01-03-01-01-01-05", "not a RAVDESS name"),
        ("04-01-03-01-01-01-05", "modality 04"),
        ("03-03-03-01-01-01-05", "vocal channel 03"),
        ("03-01-09-01-01-01-05", "emotion 09"),
        ("03-01-00-01-01-01-05", "emotion 00"),
        ("03-01-03-03-01-01-05", "intensity 03"),
        ("03-01-03-01-03-01-05", "statement 03"),
        ("03-01-03-01-01-03-05", "repetition 03"),
        ("03-01-03-01-01-01-25", "actor 25"),
        ("03-01-03-01-01-01-00", "actor 00"),
        ("03-01-01-02-01-01-05", "neutral has no strong"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_field_that_is_wrong(name: str, reason: str) -> None:
    with pytest.raises(NotATakeError, match=reason):
        parse_name(name)
