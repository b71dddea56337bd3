"""The files of a saved model: an ONNX graph, and its facts as JSON."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

MODEL_FACTS_FILE: Final = "facts.json"
GRAPH_FILE: Final = "model.onnx"


def read_facts(folder: Path) -> dict[str, Any]:
    """Read the facts of a saved model.

    Raises:
        FileNotFoundError: there is no model in this folder.
    """
    path = folder / MODEL_FACTS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no model: materialize {folder.name} first")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def fingerprint_of(folder: Path) -> str:
    """Hash of a saved model: its graph and its facts."""
    return fingerprint((folder / GRAPH_FILE).read_bytes(), (folder / MODEL_FACTS_FILE).read_text(encoding="utf-8"))


def fingerprint(onnx: bytes, facts: str) -> str:
    """Hash of a graph and the text of its facts."""
    return hashlib.blake2b(onnx + facts.encode(), digest_size=16).hexdigest()
