"""The demo corpus: shaped like RAVDESS, the same on every run, and neither too easy nor too hard to tell apart."""

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from ser_assets.corpus.demo import corpus as demo
from ser_assets.corpus.demo import voices
from ser_assets.corpus.ravdess import ACTORS, EMOTIONS, Take, parse_name, speech_takes


def take_of(actor: str, emotion: str, intensity: str = "01") -> Take:
    return parse_name(f"01-01-{EMOTIONS.index(emotion) + 1:02d}-{intensity}-01-01-{actor}")


def level_db(sound: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(sound**2))))


def spoken(sound: np.ndarray) -> np.ndarray:
    """The stretch between the first and the last sample above a tenth of the peak."""
    loud = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
    return sound[loud[0] : loud[-1]]


@pytest.fixture
def two_takes_an_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "speech_takes", lambda actor: speech_takes(actor)[:2])


def test_an_actor_speaks_sixty_takes_four_of_them_neutral() -> None:
    takes = speech_takes("07")
    assert Counter(take.emotion for take in takes) == {
        emotion: 4 if emotion == "neutral" else 8 for emotion in EMOTIONS
    }
    assert len({take.take_id for take in takes}) == 60


@pytest.mark.parametrize("actor", ["25", "00", "1", "Actor_01", ""])
def test_an_unknown_actor_is_refused_by_name_and_range(actor: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"'{actor}'.*'01' to '24'"):
        demo.make_demo_corpus(tmp_path, ["01", actor])
    assert not any(tmp_path.iterdir())


class TestPerformance:
    def test_a_take_sounds_the_same_whatever_was_performed_before(self) -> None:
        first = demo.perform(take_of("02", "fearful"))
        demo.perform(take_of("21", "angry", "02"))
        np.testing.assert_array_equal(demo.perform(take_of("02", "fearful")), first)

    def test_no_two_repetitions_are_the_same_recording(self) -> None:
        first, second = (demo.perform(take) for take in speech_takes("05")[:2])
        assert first.shape != second.shape or not np.array_equal(first, second)

    @pytest.mark.parametrize("emotion", EMOTIONS)
    def test_it_is_a_few_seconds_of_sound_that_does_not_clip(self, emotion: str) -> None:
        strength = "01" if emotion == "neutral" else "02"
        sound = demo.perform(take_of("01", emotion, strength))
        assert sound.dtype == np.float32
        assert 2.5 < len(sound) / demo.SAMPLING_RATE < 5.5
        assert np.abs(sound).max() < 1

    def test_it_begins_and_ends_with_half_a_second_of_room_noise(self) -> None:
        sound = demo.perform(take_of("03", "happy"))
        half = demo.SAMPLING_RATE // 2
        for edge in (sound[:half], sound[-half:]):
            assert level_db(edge) < level_db(spoken(sound)) - 30
            assert edge.std() > 0

    def test_anger_is_louder_and_sadness_longer_than_plain_speech(self) -> None:
        sounds = {
            emotion: [
                spoken(demo.perform(take))
                for take in speech_takes("06")
                if take.emotion == emotion and take.intensity == ("normal" if emotion == "neutral" else "strong")
            ]
            for emotion in ("neutral", "angry", "sad")
        }
        loudness = {emotion: np.mean([level_db(sound) for sound in group]) for emotion, group in sounds.items()}
        length = {emotion: np.mean([len(sound) for sound in group]) for emotion, group in sounds.items()}
        assert loudness["angry"] > loudness["neutral"] > loudness["sad"]
        assert length["sad"] > length["neutral"]

    def test_actors_differ_by_eighteen_decibel(self) -> None:
        levels = [level_db(spoken(demo.perform(take_of(actor, "neutral")))) for actor in ACTORS]
        assert max(levels) - min(levels) == pytest.approx(voices.LEVEL_SPREAD_DB, abs=4)

    def test_every_actor_has_a_voice_of_their_own(self) -> None:
        assert tuple(demo.VOICES) == ACTORS
        assert len({voice for voice, _ in demo.VOICES.values()}) == len(ACTORS)


class TestFilms:
    def test_a_film_has_h264_and_two_equal_channels_of_aac_at_48_khz(self, tmp_path: Path) -> None:
        take = take_of("04", "surprised", "02")
        assert demo._film_if_missing(tmp_path / "corpus", take) is True
        path = tmp_path / "corpus/Actor_04/01-01-08-02-01-01-04.mp4"
        with av.open(str(path)) as film:
            video, audio = film.streams.video[0], film.streams.audio[0]
            assert (video.codec.name, audio.codec.name) == ("h264", "aac")
            assert (audio.codec_context.sample_rate, audio.codec_context.channels) == (48000, 2)
            left, right = np.concatenate([frame.to_ndarray() for frame in film.decode(audio=0)], axis=1)
        sound = demo.perform(take)
        np.testing.assert_allclose(left, right, atol=1e-6)
        assert len(left) == pytest.approx(len(sound), abs=4096)
        assert level_db(spoken(left)) == pytest.approx(level_db(spoken(sound)), abs=1)

    def test_the_mouth_opens_with_the_voice(self) -> None:
        take = take_of("01", "neutral")
        sound = demo.perform(take)
        picture = demo._picture(take, sound)
        loudest = np.argmax(np.abs(sound)) / demo.SAMPLING_RATE

        def mouth(second: float) -> int:
            return int((picture(second) == (150, 40, 50)).all(axis=-1).sum())

        assert mouth(loudest) > 2 * mouth(0)

    @pytest.mark.usefixtures("two_takes_an_actor")
    def test_two_workers_film_the_same_bytes_as_one(self, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        alone, shared = tmp_path / "alone", tmp_path / "shared"
        assert demo.make_demo_corpus(alone, ["02", "01", "02"], progress=lambda *done: told.append(done)) == 4
        assert demo.make_demo_corpus(shared, ["01", "02"], workers=2) == 4
        names = sorted(path.relative_to(alone) for path in alone.rglob("*") if path.is_file())
        assert names == sorted(path.relative_to(shared) for path in shared.rglob("*") if path.is_file())
        assert all((alone / name).read_bytes() == (shared / name).read_bytes() for name in names)
        assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]

    @pytest.mark.usefixtures("two_takes_an_actor")
    def test_whole_films_are_left_alone_and_broken_ones_replaced(self, tmp_path: Path) -> None:
        demo.make_demo_corpus(tmp_path, ["09"])
        whole, broken = sorted(tmp_path.rglob("*.mp4"))
        kept, expected = whole.stat().st_mtime_ns, broken.read_bytes()
        broken.write_bytes(expected[: len(expected) // 2])
        assert demo.make_demo_corpus(tmp_path, ["09"]) == 1
        assert whole.stat().st_mtime_ns == kept
        assert broken.read_bytes() == expected

    def test_a_film_that_fails_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(demo, "_film", lambda _take, path: path.write_bytes(b"half a film"))
        with pytest.raises(OSError, match=r"no whole film for .*01-01-01-01-01-01-01\.mp4"):
            demo.make_demo_corpus(tmp_path, ["01"])
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
