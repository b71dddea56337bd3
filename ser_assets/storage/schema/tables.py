"""The declarations of all DuckDB tables; `docs/tables.md` is made from them (`python tools/pages.py`)."""

from typing import Final

from ser_assets.storage import tables
from ser_assets.storage.schema.columns import Column, Table

TEXT: Final = "VARCHAR"
WHOLE: Final = "BIGINT"
SMALL: Final = "INTEGER"
REAL: Final = "DOUBLE"
LISTED: Final = "FLOAT[]"

_CORPUS: Final = Column("corpus", TEXT, "name of the corpus")
_TAKE: Final = Column("take_id", TEXT, "the take, the same for all files and copies of it")
_VARIANT: Final = Column("variant", SMALL, "0 for the take itself, 1 and up for its augmented copies")
_ACTOR: Final = Column("actor", TEXT, "the speaker")
_EMOTION: Final = Column("emotion", TEXT, "the label: the emotion performed")
_FOLD: Final = (
    Column("model", TEXT, "name of the model"),
    Column("protocol", TEXT, "protocol of the evaluation"),
    Column("fold_scheme", TEXT, "which actors form a fold; empty for random splits and final models"),
    Column("fold", TEXT, "number of the fold; `final` for models fitted on all actors"),
)
_PROBABILITIES: Final = Column("p_<emotion>", REAL, "predicted probability of the emotion", "0 to 1")
_INPUT: Final = Column("input_fingerprint", TEXT, "hash of what the take's features were made from")
_AUDIO_HASH: Final = Column("audio_hash", TEXT, "hash of the decoded mono samples of the recording")
_INTERVAL: Final = (
    Column("low", REAL, "lower end of the 95 % bootstrap interval over actors; NaN below five actors"),
    Column("high", REAL, "upper end of it"),
    Column("actors", WHOLE, "actors scored"),
    Column("takes", WHOLE, "takes scored"),
)
_LABELS: Final = (
    _EMOTION,
    Column("intensity", TEXT, "normal or strong, where the corpus labels it"),
    Column("statement", TEXT, "the sentence, where the corpus labels it"),
)
_GENDER: Final = Column("gender", TEXT, "of the speaker, where the corpus labels it")

_TABLES: Final = (
    Table(
        tables.RAW_VIDEOS,
        ("raw_videos",),
        "one file of the corpus",
        (
            _CORPUS,
            Column("path", TEXT, "name of the file, relative to the folder of recordings"),
            _ACTOR,
            Column("bytes", WHOLE, "size of the file", "bytes"),
            Column("file_state", TEXT, "size, time and inode when the content was hashed"),
            Column("content_hash", TEXT, "hash of the bytes of the file"),
            _TAKE,
            Column("modality", TEXT, "audio-video, audio-only or video-only"),
            Column("vocal_channel", TEXT, "speech or song"),
            *_LABELS,
            Column("repetition", WHOLE, "number of the repetition"),
            _GENDER,
            Column("container", TEXT, "file format"),
            Column("codec", TEXT, "of the audio track"),
            Column("sampling_rate", WHOLE, "of the file", "Hz"),
            Column("channels", WHOLE, "of the audio track"),
            Column("audio_tracks", WHOLE, "audio tracks in the file"),
            Column("audio_track", WHOLE, "the track that is used, from 1"),
            Column("seconds", REAL, "length of the audio", "s"),
            Column("peak", REAL, "largest absolute sample", "full scale 1"),
            _AUDIO_HASH,
            Column("fingerprint", TEXT, "similar for the same sound in another coding; empty for the demo corpus"),
            Column("channel_likeness", REAL, "how much two channels have in common", "0 to 1"),
            Column("abrupt_silence", REAL, "digital silence in the middle of sound", "s"),
            Column("demo", "BOOLEAN", "synthetic speech of the demo corpus"),
            Column("status", TEXT, "accepted or rejected"),
            Column("problem", TEXT, "why it is rejected, by kind"),
            Column("reason", TEXT, "why it is rejected, in words"),
            Column("place", TEXT, "where the label is, if not in the file name"),
            Column("duplicate_of", TEXT, "the file that is used instead"),
            Column("code_version", TEXT, "code, settings and libraries that made the row"),
        ),
    ),
    Table(
        tables.FEATURES,
        ("features",),
        "one clip",
        (
            _CORPUS,
            _TAKE,
            _VARIANT,
            _ACTOR,
            Column("voice", TEXT, "the actor, or `07 at 0.92` for a copy with speed perturbation"),
            *_LABELS,
            Column("repetition", SMALL, "number of the repetition"),
            _GENDER,
            _AUDIO_HASH,
            Column("transform", TEXT, "how a copy was made; empty for a take"),
            _INPUT,
            Column("recipe", TEXT, "code, settings and libraries of all steps"),
            Column("<functional>", "FLOAT", "one functional; `audio.features.names` lists them"),
        ),
    ),
    Table(
        tables.MEL_SEQUENCES,
        ("features",),
        "one clip",
        (
            _CORPUS,
            _TAKE,
            _VARIANT,
            _ACTOR,
            Column("frames", SMALL, "frames of the clip"),
            Column("bands", SMALL, "mel bands of a frame"),
            Column("mel", LISTED, "log-mel power, frame by frame", "dB"),
            Column("f0", LISTED, "fundamental frequency of each frame, 0 without voice", "Hz"),
            Column("harmonicity", LISTED, "of each frame", "0 to 1"),
        ),
    ),
    Table(
        tables.PREDICTIONS,
        ("models", "ensemble"),
        "one test take under one protocol",
        (*_FOLD, _CORPUS, _TAKE, _ACTOR, _EMOTION, _PROBABILITIES, _INPUT),
    ),
    Table(
        tables.VALIDATION_PREDICTIONS,
        ("models",),
        "one training take, predicted by a member that was not trained on its actor",
        (*_FOLD, _CORPUS, _TAKE, _ACTOR, _EMOTION, _PROBABILITIES),
    ),
    Table(
        tables.TRAINING_ROWS, ("models", "ensemble"), "one clip in a training set", (*_FOLD, _CORPUS, _TAKE, _VARIANT)
    ),
    Table(
        tables.LEARNING_CURVES,
        ("models",),
        "one epoch of a fold",
        (
            *_FOLD,
            Column("epoch", WHOLE, "from 1"),
            Column("subset", TEXT, "training or validation"),
            Column("loss", REAL, "cross-entropy, mean over members"),
            Column("accuracy", REAL, "mean over members", "0 to 1"),
        ),
    ),
    Table(
        tables.LEAKAGE_AUDIT,
        ("models", "ensemble"),
        "one fold",
        (
            *_FOLD,
            Column("test_actors", TEXT, "actors of the test set"),
            Column("training_actors", TEXT, "actors of the training set"),
            Column("test_takes", WHOLE, "takes of the test set"),
            Column("training_clips", WHOLE, "clips of the training set"),
            Column("shared_actors", WHOLE, "actors on both sides"),
            Column("shared_takes", WHOLE, "takes on both sides"),
            Column("shared_recordings", WHOLE, "recordings on both sides"),
            Column("disjoint", TEXT, "what the protocol keeps on one side"),
        ),
    ),
    Table(
        tables.MODEL_SETTINGS,
        ("models",),
        "one model",
        (
            _FOLD[0],
            Column("settings", TEXT, "its settings, as JSON"),
            Column("seed", WHOLE, "seed of the training"),
            Column("trained_from", TEXT, "hash of all that decides the result of the training"),
        ),
    ),
    Table(
        tables.ENSEMBLE_WEIGHTS,
        ("ensemble",),
        "one member in one fold",
        (*_FOLD, Column("member", TEXT, "name of the member"), Column("weight", REAL, "its weight in the pool")),
    ),
    Table(
        tables.SCORES,
        ("metrics_report",),
        "one score",
        (*_FOLD[:3], Column("metric", TEXT, "name of the metric"), Column("value", REAL, "the score"), *_INTERVAL),
    ),
    Table(
        tables.SCORE_DIFFERENCES,
        ("metrics_report",),
        "one pair of models",
        (
            *_FOLD[1:3],
            Column("metric", TEXT, "name of the metric"),
            _FOLD[0],
            Column("other", TEXT, "the model that it is compared with"),
            Column("difference", REAL, "score of the model minus that of the other, on the same takes"),
            *_INTERVAL,
        ),
    ),
    Table(
        tables.SCORES_BY_GROUP,
        ("metrics_report",),
        "one score on a group of takes",
        (
            *_FOLD[:3],
            Column("grouping", TEXT, "emotion, actor, gender, intensity or statement"),
            Column("group", TEXT, "the group"),
            Column("metric", TEXT, "accuracy or uar"),
            Column("value", REAL, "the score"),
            *_INTERVAL,
        ),
    ),
    Table(
        tables.SKIPPED,
        ("models", "metrics_report"),
        "one thing that was requested and skipped",
        (
            Column("model", TEXT, "the asset"),
            Column("what", TEXT, "what was requested"),
            Column("reason", TEXT, "why it was skipped"),
        ),
    ),
    Table(
        tables.CHAMPION_PREDICTIONS,
        ("champion_model",),
        "one test take, predicted by the champion under speaker_independent",
        (*_FOLD, _CORPUS, _TAKE, _ACTOR, _EMOTION, _PROBABILITIES, _INPUT, _AUDIO_HASH),
    ),
    Table(
        tables.NOTEBOOK_REPRODUCTION,
        (),
        "one score of a model of the notebook",
        (
            _FOLD[0],
            Column("way", TEXT, "claimed, reproduced its own way, or on unseen actors"),
            Column("metric", TEXT, "name of the metric"),
            Column("value", REAL, "the score"),
            *_INTERVAL,
            Column("demo", "BOOLEAN", "measured on the demo corpus"),
        ),
    ),
)
DECLARED: Final[dict[str, Table]] = {table.name: table for table in _TABLES}
"""The tables by name, in the order of the chain."""
