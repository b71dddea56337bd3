"""Mutated recordings: accepted with finite samples or rejected with a reason, whatever the decoder makes of them."""

from pathlib import Path

from robustness.fuzzing import fuzz
from ser_assets_tests.factories.media import voice, write_mp4, write_wav


def test_whatever_is_done_to_a_recording_it_is_accepted_or_rejected_with_a_reason(tmp_path: Path) -> None:
    sources = [
        write_wav(tmp_path / "a.wav", voice()),
        write_wav(tmp_path / "a.flac", voice()),
        write_mp4(tmp_path / "a.mp4", voice()),
    ]
    *_, outcomes = fuzz(sources, 600)
    assert outcomes.broken_promises == []
    assert outcomes.hung == []
    assert outcomes.accepted + outcomes.rejected.total() + len(outcomes.crashed) == 600
    assert outcomes.accepted > 50
    assert outcomes.rejected.total() > 50
