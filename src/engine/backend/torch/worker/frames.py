"""
Frames on a socket: the length of the JSON (u32), the length of the tensors (u64), both little-endian, then JSON (UTF-8) and tensors
as the bytes of a safetensors file, which may be none.
"""

import json
import socket
import struct
from typing import Any

import safetensors.torch
import torch

Tensors = dict[str, torch.Tensor]
_lengths = struct.Struct("<IQ")


def read_frame(connection: socket.socket) -> bytes | None:
    """The next frame as it is; None where the other side has closed the socket."""
    start = _read(connection, _lengths.size)
    if start is None:
        return None
    rest = _read(connection, sum(_lengths.unpack(start)))
    return None if rest is None else bytes(start + rest)


def cancelled(frame: bytes) -> int | None:
    """The request that a frame says is no longer wanted; None for any other frame."""
    json_length, tensor_length = _lengths.unpack_from(frame)
    # A request names its method and parameters, and is longer.
    if tensor_length or json_length > 64:
        return None
    return json.loads(frame[_lengths.size :]).get("cancel")


def parse_frame(frame: bytes) -> tuple[dict[str, Any], Tensors]:
    """What a frame says."""
    json_length, tensor_length = _lengths.unpack_from(frame)
    text = frame[_lengths.size : _lengths.size + json_length]
    data = frame[_lengths.size + json_length :]
    return json.loads(text), safetensors.torch.load(data) if tensor_length else {}


def write_frame(connection: socket.socket, message: dict[str, Any], tensors: Tensors | None = None) -> None:
    """Writes a frame. Tensors are sent in float32."""
    connection.sendall(pack_frame(message, tensors))


def pack_frame(message: dict[str, Any], tensors: Tensors | None = None) -> bytes:
    """A frame that says this. Tensors become float32."""
    text = json.dumps(message).encode()
    data = b""
    if tensors:
        data = safetensors.torch.save({name: x.detach().float().cpu().contiguous() for name, x in tensors.items()})
    return _lengths.pack(len(text), len(data)) + text + data


def _read(connection: socket.socket, length: int) -> bytearray | None:
    buffer = bytearray(length)
    view = memoryview(buffer)
    done = 0
    while done < length:
        count = connection.recv_into(view[done:], min(length - done, 1 << 24))
        if count == 0:
            return None
        done += count
    return buffer
