import pandas as pd
import pytest

from ser_assets.learning.models.networks.tensorboard_logs import write_logs


def test_tensorboard_reads_back_every_epoch_of_every_fold(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = pd.DataFrame(
        [
            {"protocol": "speaker_independent", "fold_scheme": "luna5", "fold": fold, "subset": part, "epoch": epoch}
            | {"loss": 2 / epoch, "accuracy": epoch / 10}
            for fold in ("1", "2")
            for part in ("training", "validation")
            for epoch in (1, 2, 3)
        ]
    )
    write_logs(curves, tmp_path)
    runs = [path.parent.relative_to(tmp_path) for path in tmp_path.rglob("events.out*")]
    assert len(runs) == 4
    events = EventAccumulator(str(tmp_path / "speaker_independent luna5" / "fold 2" / "validation")).Reload()
    read = [tensor.tensor_proto.float_val[0] for tensor in events.Tensors("loss")]
    assert read == pytest.approx([2, 1, 2 / 3])
