"""Which encoders have seen a corpus, and the refusal of them."""

import re

import pytest

from ser_assets.encoders.choice import EMBEDDED
from ser_assets.encoders.names import EncoderError
from ser_assets.encoders.training_corpora import TRAINED_ENCODERS, refuse_trained_on, trained_on


@pytest.mark.parametrize(
    ("encoder", "corpus"),
    [
        ("ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition", "ravdess"),
        ("wav2vec2-lg-xlsr-en-speech-emotion-recognition", "RAVDESS"),
        ("firdhokk/speech-emotion-recognition-with-openai-whisper-large-v3", "tess"),
        ("amiriparian/ExHuBERT", "EMO-DB"),
        ("emotion2vec/emotion2vec_plus_large", "ravdess"),
        ("iic/emotion2vec_plus_base", "crema_d"),
        ("emotion2vec/emotion2vec_base", "iemocap"),
        ("superb/wav2vec2-base-superb-er", "iemocap"),
        ("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim", "msp-podcast"),
        ("RamiEbeid/hubert-base-speech-emotion-recognition-ravdess", "ravdess"),
        ("someone/wavlm-base-crema-d", "CREMA-D"),
    ],
)
def test_an_encoder_that_has_seen_the_corpus_is_refused_with_the_source(encoder: str, corpus: str) -> None:
    message = rf"{re.escape(encoder)} was trained on recordings of {corpus.lower()} \(.+\): .* choose another encoder"
    with pytest.raises(EncoderError, match=message):
        refuse_trained_on(encoder, corpus)


@pytest.mark.parametrize(
    ("encoder", "corpus"),
    [
        (EMBEDDED.name, "ravdess"),
        ("microsoft/wavlm-base-plus", "ravdess"),
        ("facebook/hubert-large-ll60k", "iemocap"),
        ("emotion2vec/emotion2vec_base", "ravdess"),
        ("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim", "ravdess"),
        ("tessa/hubert-base", "tess"),
        ("someone/wavlm-base-mine", "mine"),
    ],
)
def test_another_encoder_is_not(encoder: str, corpus: str) -> None:
    assert trained_on(encoder, corpus) is None
    refuse_trained_on(encoder, corpus)


def test_every_entry_has_a_source_and_corpora_that_can_be_found() -> None:
    for entry in TRAINED_ENCODERS:
        assert "huggingface.co/" in entry.source or "arXiv" in entry.source
        assert all(re.fullmatch("[a-z0-9]+", corpus) for corpus in entry.corpora)
