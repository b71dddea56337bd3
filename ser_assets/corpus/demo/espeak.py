"""Text in, samples out: the espeak-ng library of the wheel `espeakng-loader`, called through ctypes; needs POSIX."""

import ctypes
import os
import tempfile
import threading
from _ctypes import dlclose
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SAMPLING_RATE = 22050

# Names and numbers of espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_POSITION_CHARACTER = 1
_CHARACTERS_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7
_LONGEST_DATA_PATH = 150

_SpeechCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_one_at_a_time = threading.Lock()


class EspeakError(RuntimeError):
    """The espeak-ng library is missing or refuses; the message says what to do."""


def speak(
    text: str,
    voice: str = "en-us",
    words_per_minute: int = 175,
    pitch: int = 50,
    pitch_range: int = 50,
    word_gap: int = 0,
    volume: int = 60,
) -> np.ndarray:
    """Speak a text: the same arguments give the same samples, whatever was spoken before.

    Args:
        text: what to say.
        voice: language, with a variant if wanted: `en-us+f3`. espeak-ng passes over a variant it does not know.
        words_per_minute: 80 to 450.
        pitch: 0 to 99; 50 is the voice's own, 25 more is half an octave up.
        pitch_range: 0 (monotone) to 99; 50 is the voice's own.
        word_gap: pause between words in steps of about 10 ms.
        volume: 0 to 100; most voices clip above 60.

    Returns:
        float32 samples of shape (samples,) in -1 to 1, at `SAMPLING_RATE`.

    Raises:
        EspeakError: the library or its data are missing, or there is no such language.
    """
    blocks: list[np.ndarray] = []

    @_SpeechCallback
    def keep(samples: Any, count: int, _events: int | None) -> int:
        if samples and count:
            blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    with _one_at_a_time, _data_folder() as folder, _fresh_library(folder) as library:
        library.espeak_SetSynthCallback(keep)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise EspeakError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in (
            (_RATE, words_per_minute),
            (_VOLUME, volume),
            (_PITCH, pitch),
            (_RANGE, pitch_range),
            (_WORD_GAP, word_gap),
        ):
            library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        size = ctypes.c_size_t(len(encoded) + 1)
        status = library.espeak_Synth(encoded, size, 0, _POSITION_CHARACTER, 0, _CHARACTERS_UTF8, None, None)
    if status != 0:
        raise EspeakError(f"espeak-ng could not speak {text!r} (status {status})")
    return np.concatenate([np.zeros(0, np.int16), *blocks]).astype(np.float32) / 32768


@contextmanager
def _fresh_library(data_folder: str) -> Iterator[ctypes.CDLL]:
    """Load the library as if never used, and unload it at the end; about 3 ms.

    espeak-ng keeps the place in its flutter table and in its spectrum buffers from one utterance to the next, and
    neither a new voice nor `espeak_Terminate` resets them; only unloading does.
    """
    import espeakng_loader

    path = espeakng_loader.get_library_path()
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise EspeakError(f"cannot load espeak-ng ({error}); reinstall the package espeakng-loader") from error
    try:
        rate = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, os.fsencode(data_folder), _DO_NOT_EXIT)
        if rate != SAMPLING_RATE:
            raise EspeakError(f"espeak-ng cannot read its data in {data_folder}; reinstall the package espeakng-loader")
        # Breath and the klatt voices draw noise from espeak-ng's own generator and from the C library's.
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        ctypes.CDLL(None).srand(1)
        yield library
        library.espeak_Terminate()
    finally:
        dlclose(library._handle)


@contextmanager
def _data_folder() -> Iterator[str]:
    """Name the folder of the voices by a path short enough: espeak-ng cuts off a longer one and crashes."""
    import espeakng_loader

    try:
        folder = espeakng_loader.get_data_path()
    except RuntimeError as error:
        raise EspeakError(f"espeak-ng has no data ({error}); reinstall the package espeakng-loader") from error
    if len(os.fsencode(folder)) <= _LONGEST_DATA_PATH:
        yield folder
        return
    with tempfile.TemporaryDirectory() as short:
        link = Path(short, "data")
        link.symlink_to(folder)
        yield str(link)
