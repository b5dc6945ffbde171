"""A hash of a network's weights, to compare networks by."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def hash_network(network: nn.Module) -> str:
    """Return the SHA-256 of a network's parameters and buffers with their names, in hexadecimal."""
    found = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        found.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
