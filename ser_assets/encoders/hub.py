"""Encoder files of WavLM, HuBERT and wav2vec2 (XLS-R is one): models of Hugging Face, read with transformers."""

from pathlib import Path
from typing import Any, Final

from ser_assets.encoders.log_mel import SAMPLING_RATE
from ser_assets.encoders.names import EncoderError
from ser_assets.encoders.torch_export import exported, quiet

FAMILIES: Final = {"wavlm": "WavLM", "hubert": "HuBERT", "wav2vec2": "wav2vec2 and XLS-R"}
"""Names of the families by `model_type` of their config.json."""
LARGEST_BYTES: Final = 2_000_000_000
"""An ONNX file ends at 2 GiB."""
_ONLY_IN_TRAINING: Final = {"masked_spec_embed"}


def hub_onnx(source: str, name: str) -> bytes:
    """Make an encoder file of a model of Hugging Face.

    Where the model's preprocessor normalises clips, the file does so: each clip gets zero mean and unit variance.

    Args:
        source: a folder with config.json, preprocessor_config.json and weights, or the id of a model of the hub.
        name: of the encoder, for its metadata.

    Returns:
        The ONNX file, with 32-bit weights.

    Raises:
        EncoderError: the extra is missing, the model cannot be downloaded or is none of the families, its weights are
            incomplete, or the file does not give the hidden states of torch.
    """
    try:
        import onnxscript  # noqa: F401 - torch's exporter needs it.
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise EncoderError(
            f"{source} needs transformers and torch ({error}): pip install 'ser-assets[encoders]', or name an ONNX file"
        ) from error
    with quiet():
        _check_family(transformers, source)
        normalised = _normalises(transformers, source)
        model = _loaded(transformers, source)
        return exported(model, source, {"encoder": name, "source": source, **_card(source)}, normalised=normalised)


def _located(source: str) -> str:
    """The folder that a source names, or the source: the id of a model."""
    folder = Path(source).expanduser()
    return str(folder) if folder.is_dir() else source


def _check_family(transformers: Any, source: str) -> None:
    try:
        family = transformers.PreTrainedConfig.get_config_dict(_located(source))[0].get("model_type")
    except OSError as error:
        raise EncoderError(_not_found(source, error)) from error
    if family not in FAMILIES:
        remedy = "name the folder with its model.safetensors" if family == "whisper" else "take one of these"
        raise EncoderError(f"{source} is a {family}; {', '.join(FAMILIES.values())} can be exported: {remedy}")


def _normalises(transformers: Any, source: str) -> bool:
    """Whether clips are to be normalised, as the model's preprocessor says."""
    try:
        preprocessor = transformers.AutoFeatureExtractor.from_pretrained(_located(source))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{source} has no preprocessor_config.json that can be read: it says whether clips are normalised; copy it "
            "from the model that this one was made of"
        ) from error
    if preprocessor.sampling_rate != SAMPLING_RATE:
        raise EncoderError(f"{source} reads speech at {preprocessor.sampling_rate} Hz: take a model for 16000 Hz")
    return bool(preprocessor.do_normalize)


def _loaded(transformers: Any, source: str) -> Any:
    """The model with all of its weights, in 32-bit floats, with attention that can be exported."""
    import torch

    try:
        model, loading = transformers.AutoModel.from_pretrained(
            _located(source), attn_implementation="eager", dtype=torch.float32, output_loading_info=True
        )
    except OSError as error:
        raise EncoderError(_not_found(source, error)) from error
    except Exception as error:  # transformers and safetensors raise types of their own for damaged weights.
        raise EncoderError(f"{source} has weights that cannot be read ({_reason(error)}): download it again") from error
    missing = sorted(set(loading["missing_keys"]) - _ONLY_IN_TRAINING)
    if missing:
        raise EncoderError(
            f"{source} lacks weights of its encoder ({len(missing)}, such as {missing[0]}): they would be random; take "
            "another model"
        )
    size = 4 * sum(parameter.numel() for parameter in model.parameters())
    if size > LARGEST_BYTES:
        raise EncoderError(
            f"{source} has weights of {size / 1e9:.1f} GB, and an ONNX file ends at 2 GB: take a smaller model"
        )
    return model.eval()


def _not_found(source: str, error: OSError) -> str:
    if Path(source).expanduser().is_dir():
        return f"{source} holds no model that transformers can load ({_reason(error)}): download it again"
    return (
        f"{source} cannot be downloaded ({_reason(error)}): download it on another machine with "
        f"`hf download {source} --local-dir FOLDER`, and set SER_ENCODER to that folder"
    )


def _reason(error: Exception) -> str:
    """First line of an error."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")


def _card(source: str) -> dict[str, str]:
    """Licence and training data, as the model card has them."""
    from huggingface_hub import ModelCard

    unknown = f"see {source}"
    folder = Path(source).expanduser()
    try:
        data = ModelCard.load(folder / "README.md" if folder.is_dir() else source).data
    except (OSError, ValueError):
        return {"licence": unknown, "training_data": unknown}
    datasets = [data.datasets] if isinstance(data.datasets, str) else data.datasets or []
    return {
        "licence": str(data.license or unknown),
        "training_data": f"{', '.join(map(str, datasets))} (model card)" if datasets else unknown,
    }
