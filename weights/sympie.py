# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libsympie from Python: estimate and apply on uint8 RGB pictures.

    with Sympie("weights/nem.safetensors") as sympie:
        enhanced = sympie.apply(picture, sympie.estimate(picture))

The library is the build's (build/kernels), or the file that the environment
variable SYMPIE_LIBRARY names.
"""

import ctypes
import os

import numpy as np

N_PARAMS = 37
_FORMAT_RGB = 0


class Sized(ctypes.Structure):
    """A structure of the library that begins with its size."""

    def __init__(self, **fields):
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class Config(Sized):
    """SympieConfig."""

    _fields_ = [("struct_size", ctypes.c_size_t), ("weights", ctypes.c_char_p),
                ("device", ctypes.c_int), ("n_threads", ctypes.c_int),
                ("cpu_disabled", ctypes.c_uint), ("ignore_gate", ctypes.c_bool),
                ("cuda_device", ctypes.c_int), ("cuda_context", ctypes.c_void_p),
                ("cuda_stream", ctypes.c_void_p), ("cuda_async", ctypes.c_bool)]


class Colorimetry(ctypes.Structure):
    """SympieColorimetry."""

    _fields_ = [("kr", ctypes.c_float), ("kb", ctypes.c_float),
                ("full_range", ctypes.c_bool), ("chroma_site", ctypes.c_uint)]


class Image(Sized):
    """SympieImage."""

    _fields_ = [("struct_size", ctypes.c_size_t), ("format", ctypes.c_int),
                ("width", ctypes.c_int), ("height", ctypes.c_int),
                ("planes", ctypes.c_void_p * 4), ("strides", ctypes.c_ssize_t * 4),
                ("memory", ctypes.c_int), ("colorimetry", Colorimetry)]


class Target(Sized):
    """SympieTarget."""

    _fields_ = [("struct_size", ctypes.c_size_t), ("planes", ctypes.c_void_p * 4),
                ("strides", ctypes.c_ssize_t * 4), ("memory", ctypes.c_int)]


class Error(ctypes.Structure):
    """SympieError."""

    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * 508)]

    def __str__(self):
        return self.message.decode(errors="replace")


_Params = ctypes.c_float * N_PARAMS
_Error = ctypes.POINTER(Error)


def library_path():
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.path.join(here, "..", "build", "kernels", "libsympie.so")
    return os.environ.get("SYMPIE_LIBRARY", build)


def load_library():
    """The shared library. OSError says where it was looked for."""
    path = library_path()
    try:
        lib = ctypes.CDLL(path)
    except OSError as why:
        raise OSError(f"cannot load libsympie ({why}); run setup.sh, or set "
                      "SYMPIE_LIBRARY to the file")
    lib.sympie_open.restype = ctypes.c_void_p
    lib.sympie_open.argtypes = [ctypes.POINTER(Config), _Error]
    lib.sympie_close.argtypes = [ctypes.c_void_p]
    lib.sympie_close.restype = None
    lib.sympie_estimate.restype = ctypes.c_bool
    lib.sympie_estimate.argtypes = [ctypes.c_void_p, ctypes.POINTER(Image),
                                    _Params, ctypes.POINTER(ctypes.c_float), _Error]
    lib.sympie_apply.restype = ctypes.c_bool
    lib.sympie_apply.argtypes = [ctypes.c_void_p, ctypes.POINTER(Image),
                                 ctypes.POINTER(Target), _Params, _Error]
    return lib


def view(picture):
    """The memory of uint8 (height, width, 3), to be read."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture of {picture.dtype} {list(picture.shape)}, not "
                         "uint8 (height, width, 3)")
    if picture.strides[1:] != (3, 1):
        raise ValueError("a picture whose pixels are not packed")
    height, width = picture.shape[:2]
    image = Image(format=_FORMAT_RGB, width=width, height=height)
    image.planes[0] = picture.ctypes.data
    image.strides[0] = picture.strides[0]
    image.colorimetry.full_range = True
    return image


def target(picture):
    """The same memory, to be written."""
    image = view(picture)
    return Target(planes=image.planes, strides=image.strides)


class Sympie:
    """A context of the library, for one thread at a time."""

    def __init__(self, weights=None, n_threads=1, ignore_gate=False):
        self._context = None
        self._lib = load_library()
        config = Config(weights=os.fsencode(weights) if weights else None,
                        n_threads=n_threads, ignore_gate=ignore_gate)
        error = Error()
        self._context = self._lib.sympie_open(ctypes.byref(config), ctypes.byref(error))
        if not self._context:
            raise ValueError(str(error))

    def estimate(self, picture):
        """uint8 (H, W, 3) -> float32 (37,), blended by the gate."""
        return self._estimate(picture)[0]

    def gate(self, picture):
        """uint8 (H, W, 3) -> 0 to 1."""
        return self._estimate(picture)[1]

    def _estimate(self, picture):
        params, gate, error = _Params(), ctypes.c_float(), Error()
        if not self._lib.sympie_estimate(self._context, view(picture), params,
                                         ctypes.byref(gate), ctypes.byref(error)):
            raise ValueError(str(error))
        return np.array(params, np.float32), gate.value

    def apply(self, picture, params):
        """uint8 (H, W, 3), (37,) -> the enhanced picture."""
        out, error = np.empty_like(picture, order="C"), Error()
        if not self._lib.sympie_apply(self._context, view(picture), target(out),
                                      _Params(*map(float, params)), ctypes.byref(error)):
            raise ValueError(str(error))
        return out

    def enhance(self, picture, times=1):
        """Estimate and apply, the output fed back `times` times."""
        for _ in range(times):
            picture = self.apply(picture, self.estimate(picture))
        return picture

    def close(self):
        if self._context:
            self._lib.sympie_close(self._context)
            self._context = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
