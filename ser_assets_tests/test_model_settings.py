"""Settings of models that stay: a file that UI, schedule and shell obey alike."""

from pathlib import Path

import pytest

from ser_assets.definitions import build_definitions
from ser_assets.environment import SettingsError
from ser_assets.learning.models.catalog import settings_types
from ser_assets.learning.models.settings import ConvolutionSettings, ForestSettings
from ser_assets.model_settings import model_settings
from ser_assets.settings import Settings

WRONG = {
    "not TOML": ("[cnn\nepochs = 3", r"models\.toml is not TOML \(.+\): write \[cnn\]"),
    "unknown model": ("[cnm]\nepochs = 3", r"models\.toml: there is no model cnm: did you mean cnn\?"),
    "unknown setting": ("[cnn]\nepoch = 3", r"models\.toml: there is no setting of cnn epoch: did you mean epochs\?"),
    "outside its limits": ("[cnn]\nepochs = 0", r"models\.toml: cnn: epochs: .*greater than or equal to 1"),
    "outside a section": ("epochs = 3", r"models\.toml: epochs stands outside a section"),
}


def write(settings: Settings, text: str, name: str = "models.toml") -> Path:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / name
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_all_are_defaults(settings: Settings) -> None:
    assert model_settings(settings) == {name: kind() for name, kind in settings_types().items()}


def test_a_file_in_the_data_folder_changes_what_it_names(settings: Settings) -> None:
    write(settings, "[cnn]\nepochs = 3\nfilters = [8, 16]\n")
    found = model_settings(settings)
    assert found["cnn"] == ConvolutionSettings(epochs=3, filters=(8, 16))
    assert found["random_forest"] == ForestSettings()


def test_another_file_can_be_named_and_must_be_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(settings, "[random_forest]\nn_estimators = 7\n", "others.toml")
    monkeypatch.setenv("SER_MODEL_SETTINGS", str(path))
    assert model_settings(Settings())["random_forest"].n_estimators == 7
    path.unlink()
    with pytest.raises(SettingsError, match=r"SER_MODEL_SETTINGS: .*others\.toml cannot be read \(No such file"):
        model_settings(Settings())


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_refused_in_one_line(settings: Settings, text: str, message: str) -> None:
    write(settings, text)
    with pytest.raises(SettingsError, match=message) as caught:
        model_settings(settings)
    assert "\n" not in str(caught.value)


def test_the_launchpad_shows_them_and_the_code_version_of_that_model_alone_changes(settings: Settings) -> None:
    before = build_definitions(settings).resolve_asset_graph()
    write(settings, "[cnn]\nepochs = 3\n")
    definitions = build_definitions(settings)
    after = definitions.resolve_asset_graph()
    changed = {
        key.to_user_string()
        for key in before.materializable_asset_keys
        if before.get(key).code_version != after.get(key).code_version
    }
    assert changed == {"cnn"}
    fields = (
        definitions.resolve_job_def("train_models").get_node_named("cnn").definition.config_schema.config_type.fields
    )
    assert fields["epochs"].default_value == 3
