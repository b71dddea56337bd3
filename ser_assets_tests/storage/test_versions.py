"""What is behind the content of each asset, as code versions state it; another text makes everything again."""

from collections.abc import Iterator

import pytest

from ser_assets.encoders.names import EMBEDDED
from ser_assets.settings import Settings
from ser_assets.storage import versions
from ser_assets.storage.versions import code_version

MODEL = "protocols=speaker_independent,random_split fold_schemes=luna5 seed=7"
COPIES = "speed_perturbation=0.92,1.09 extra_copies=0 noise_min_snr_db=15.0 noise_max_snr_db=30.0"
NETWORK = f"{MODEL} tensorflow=9 keras=9 onnx=9"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings, where every library has the version 9."""
    monkeypatch.setattr(versions, "version", lambda _: "9")
    versions._code_version.cache_clear()
    yield Settings(seed=7, protocols=("speaker_independent", "random_split"))
    versions._code_version.cache_clear()


@pytest.mark.parametrize(
    ("asset", "stated"),
    [
        ("raw_videos", "5 av=9"),
        ("mono_audio", "6 sampling_rate=22050 av=9 soxr=9"),
        ("trimmed_audio", "5 trim_mode=ends trim_top_db=30.0 minimum_clip_seconds=0.3 numpy=9"),
        (
            "augmented_set",
            f"4 {COPIES} audiomentations=9 python-stretch=9 soxr=9",
        ),
        ("features", "5 numpy=9 scipy=9 functionals=66dd42db233c02ab4760ab7f3a92dbd4"),
        ("embeddings", f"1 numpy=9 onnxruntime=9 soxr=9 pooling=1 encoder={EMBEDDED.sha256}"),
        ("random_forest", f"8 {MODEL} scikit-learn=9 skl2onnx=9"),
        ("neural_network", f"8 {NETWORK}"),
        ("cnn", f"8 {NETWORK}"),
        ("complex_cnn", f"8 {NETWORK}"),
        ("pretrained_encoder", f"1 {MODEL} scikit-learn=9 onnx=9"),
        ("ensemble", "2 scipy=9"),
        ("metrics_report", "4 seed=7"),
        ("champion_model", "3 seed=7"),
    ],
)
def test_a_code_version_states_what_is_behind_the_content_of_an_asset(
    settings: Settings, asset: str, stated: str
) -> None:
    assert code_version(asset, settings) == stated


def test_an_encoder_that_is_made_while_the_process_runs_is_seen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ser_assets.encoders.choice.EncoderChoice.version", "absent")
    assert code_version("embeddings", settings).endswith("encoder=absent")
    monkeypatch.setattr("ser_assets.encoders.choice.EncoderChoice.version", "made")
    assert code_version("embeddings", settings).endswith("encoder=made")
