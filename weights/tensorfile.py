# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Safetensors files, read and written with numpy alone.

The format: 8 bytes, the length of the header; the header, JSON that gives each
tensor's dtype, shape and place; then the tensors, little-endian.
"""

import json
import os
import struct

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "u1"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def load(path):
    """-> ({name: array}, {metadata key: string}). ValueError names the file."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8:8 + length].decode())
        metadata = header.pop("__metadata__", {})
        body = memoryview(data)[8 + length:]
        tensors = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            values = np.frombuffer(body[begin:end], DTYPES[entry["dtype"]])
            tensors[name] = values.reshape(entry["shape"]).copy()
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as why:
        raise ValueError(f"{path} is not a readable safetensors file: {why}")
    return tensors, metadata


def save(path, tensors, metadata):
    """Writes {name: array}, all or nothing; metadata values must be strings."""
    header, chunks, offset = {"__metadata__": metadata}, [], 0
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values).tobytes()
        header[name] = {"dtype": NAMES[values.dtype], "shape": values.shape,
                        "data_offsets": [offset, offset + len(raw)]}
        chunks.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)          # tensors start at a multiple of 8
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        file.writelines(chunks)
    os.replace(path + ".part", path)
