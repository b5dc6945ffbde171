"""The module of a diagnosis of tests/planted, which imports torch."""

import torch


class Heavy:
    def __init__(self, options, data):
        self.limit = torch.tensor(10.0)

    def __call__(self, rows, recipe):
        return None
