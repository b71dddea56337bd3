"""Types and columns that several tables share."""

from typing import Final

from ser_assets.storage.schema.columns import Column

TEXT: Final = "VARCHAR"
WHOLE: Final = "BIGINT"
SMALL: Final = "INTEGER"
REAL: Final = "DOUBLE"
LISTED: Final = "FLOAT[]"

CORPUS: Final = Column("corpus", TEXT, "name of the corpus")
TAKE: Final = Column("take_id", TEXT, "the take, the same for all files and copies of it")
VARIANT: Final = Column("variant", SMALL, "0 for the take itself, 1 and up for its augmented copies")
ACTOR: Final = Column("actor", TEXT, "the speaker")
EMOTION: Final = Column("emotion", TEXT, "the label: the emotion performed")
FOLD: Final = (
    Column("model", TEXT, "name of the model"),
    Column("protocol", TEXT, "protocol of the evaluation"),
    Column("fold_scheme", TEXT, "which actors form a fold; empty for random splits and final models"),
    Column("fold", TEXT, "number of the fold; `final` for models fitted on all actors"),
)
PROBABILITIES: Final = Column("p_<emotion>", REAL, "predicted probability of the emotion", "0 to 1")
INPUT_FINGERPRINT: Final = Column("input_fingerprint", TEXT, "hash of what the take's features were made from")
AUDIO_HASH: Final = Column("audio_hash", TEXT, "hash of the decoded mono samples of the recording")
INTERVAL: Final = (
    Column("low", REAL, "lower end of the 95 % bootstrap interval over actors; NaN below five actors"),
    Column("high", REAL, "upper end of it"),
    Column("actors", WHOLE, "actors scored"),
    Column("takes", WHOLE, "takes scored"),
)
LABELS: Final = (
    EMOTION,
    Column("intensity", TEXT, "normal or strong, where the corpus labels it"),
    Column("statement", TEXT, "the sentence, where the corpus labels it"),
)
VOICE: Final = Column("voice", TEXT, "the actor, or `07 at 0.92` for a copy with speed perturbation")
GENDER: Final = Column("gender", TEXT, "of the speaker, where the corpus labels it")
