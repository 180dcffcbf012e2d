# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The library's corruptions on NumPy arrays, for training and evaluation.

    corruptor = Corruptor(threads=2)  # of corruptor.pool, and "mixed"
    out = corruptor(images, ["fog", "mixed"], [3, 5], seeds=[1, 2])

libsympie-corrupt is looked for at the path given, then beside $SYMPIE_LIBRARY, then
in ../build/kernels. What it does is described in kernels/sympie_corrupt.h.
"""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import sympie
from sympie import Error, Image, Sized, Target, target, view

MAX_SEVERITY = 5


class Config(Sized):
    """SympieCorruptorConfig."""

    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("scale", ctypes.c_float),
        ("frost_folder", ctypes.c_char_p),
        ("n_threads", ctypes.c_int),
        ("cpu_disabled", ctypes.c_uint),
    ]


def library_path(path=None):
    if not path:
        path = Path(sympie.library_path()).with_name("libsympie-corrupt.so")
    if not Path(path).exists():
        raise FileNotFoundError(
            f"{path}: build the library (meson compile -C build) or set SYMPIE_LIBRARY"
        )
    return str(path)


def load_library(path=None):
    library = ctypes.CDLL(library_path(path))
    error = ctypes.POINTER(Error)
    library.sympie_corruption_name.argtypes = [ctypes.c_int]
    library.sympie_corruption_name.restype = ctypes.c_char_p
    library.sympie_corruption_from_name.argtypes = [
        ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), error,
    ]
    library.sympie_corruption_from_name.restype = ctypes.c_bool
    library.sympie_corruptor_new.argtypes = [ctypes.POINTER(Config), error]
    library.sympie_corruptor_new.restype = ctypes.c_void_p
    library.sympie_corruptor_free.argtypes = [ctypes.c_void_p]
    library.sympie_corruptor_free.restype = None
    library.sympie_corrupt.argtypes = [
        ctypes.c_void_p, ctypes.POINTER(Image), ctypes.POINTER(Target),
        ctypes.c_int, ctypes.c_int, ctypes.c_uint64, ctypes.c_double, error,
    ]
    library.sympie_corrupt.restype = ctypes.c_bool
    return library


class Corruptor:
    """Corrupts batches of pictures, `threads` of them at a time."""

    def __init__(self, scale=1.0, frost_folder=None, threads=1, library=None):
        if threads < 1:
            raise ValueError(f"{threads} threads, not 1 or more")
        self._corruptors = []
        self._library = load_library(library)
        folder = os.fsencode(frost_folder) if frost_folder else None
        config = Config(scale=scale, frost_folder=folder, n_threads=1)
        # One for each thread: a corruptor serves one caller at a time.
        for _ in range(threads):
            error = Error()
            corruptor = self._library.sympie_corruptor_new(
                ctypes.byref(config), ctypes.byref(error))
            if not corruptor:
                raise ValueError(str(error))
            self._corruptors.append(corruptor)
        self._executor = ThreadPoolExecutor(threads) if threads > 1 else None
        count = 0
        while self._library.sympie_corruption_name(count):
            count += 1
        self.names = [
            self._library.sympie_corruption_name(i).decode() for i in range(count)
        ]
        self.pool = self.names[1:-1]  # without none and mixed

    def close(self):
        if getattr(self, "_executor", None):
            self._executor.shutdown()
            self._executor = None
        while getattr(self, "_corruptors", None):
            self._library.sympie_corruptor_free(self._corruptors.pop())

    __del__ = close

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __call__(self, images, names, severities, seeds, phases=0.0):
        """A corrupted copy of `images`, uint8 of shape (N, H, W, 3).

        `names`, `severities` (0 to 5), `seeds` (0 to 2**64 - 1) and `phases`
        are given for each picture or once for all of them.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(
                f"images are {images.dtype} {images.shape}, not uint8 (N, H, W, 3)")
        if not self._corruptors:
            raise ValueError("the corruptor is closed")
        images = np.ascontiguousarray(images)
        n = len(images)
        out = np.empty_like(images)
        jobs = list(zip(
            range(n),
            [self._number(name) for name in self._each(names, n, "names")],
            self._integers(severities, n, "severities", MAX_SEVERITY),
            self._integers(seeds, n, "seeds", 2**64 - 1),
            self._each(phases, n, "phases"),
        ))

        def work(thread):
            for job in jobs[thread::len(self._corruptors)]:
                self._corrupt(self._corruptors[thread], images, out, *job)

        if self._executor:
            list(self._executor.map(work, range(len(self._corruptors))))
        else:
            work(0)
        return out

    def _corrupt(self, corruptor, images, out, i, number, severity, seed, phase):
        error = Error()
        # ctypes lets go of the interpreter's lock for the call.
        if not self._library.sympie_corrupt(
                corruptor, view(images[i]), target(out[i]), number, severity,
                seed, phase, ctypes.byref(error)):
            raise ValueError(str(error))

    def _number(self, name):
        number, error = ctypes.c_int(), Error()
        if not self._library.sympie_corruption_from_name(
                str(name).encode(), ctypes.byref(number), ctypes.byref(error)):
            raise ValueError(str(error))
        return number.value

    @staticmethod
    def _each(values, n, what):
        if isinstance(values, str) or np.ndim(values) == 0:
            return [values] * n
        if len(values) != n:
            raise ValueError(f"{len(values)} {what} for {n} pictures")
        return list(values)

    @classmethod
    def _integers(cls, values, n, what, largest):
        numbers = [int(value) for value in cls._each(values, n, what)]
        for number in numbers:
            # ctypes would take what is left of a number too large.
            if not 0 <= number <= largest:
                raise ValueError(f"{number} among {what}, not 0 to {largest}")
        return numbers
