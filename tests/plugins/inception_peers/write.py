"""Writes `values.npz`: features of torch-fidelity's own Inception, and its distance of them, for random weights.

    pip install --no-deps torch-fidelity==0.4.0; pip install tqdm pillow numpy torch
    python tests/plugins/inception_peers/write.py

The true weights are not needed: any weights show whether images are resized, layers are connected and features are read
as there. `shapes.txt` has the names and shapes of the file of weights. torch-fidelity imports torchvision for other
networks; it is replaced by empty modules.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from weights import SHAPES, make_images, make_weights

for name in ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional"):
    sys.modules[name] = ModuleType(name)
sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
for dataset in ("CIFAR10", "CIFAR100", "STL10"):
    setattr(sys.modules["torchvision.datasets"], dataset, object)

from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # noqa: E402
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # noqa: E402

FEATURES = ["2048", "logits_unbiased"]
SIDES = ("real", "fake")


class Network(FeatureExtractorInceptionV3):
    """torch-fidelity's network as it is before it has weights."""

    def load_state_dict(self, state, strict=True):
        return None


@torch.no_grad()
def main() -> None:
    folder = Path(__file__).parent
    torch.save({}, folder / "empty.pth")
    network = Network("inception", FEATURES, feature_extractor_weights_path=str(folder / "empty.pth")).eval()
    (folder / "empty.pth").unlink()
    lines = [" ".join([name, *map(str, each.shape)]) for name, each in network.state_dict().items()]
    SHAPES.write_text("\n".join(lines) + "\n", encoding="utf-8")
    torch.nn.Module.load_state_dict(network, make_weights())
    found = {}
    for seed, side in enumerate(SIDES, 1):
        features, logits = network(make_images(6, seed))
        found |= {f"{side}/features": features.numpy(), f"{side}/logits": logits.numpy()[:, :16]}
    for step in (8, 512):  # 256 features, which are more than images, and 4
        rows = [torch.from_numpy(found[f"{side}/features"][:, ::step]).double() for side in SIDES]
        values = fid_statistics_to_metric(*map(fid_features_to_statistics, rows), verbose=False)
        found[f"fid/{step}"] = np.array(values["frechet_inception_distance"])
    np.savez_compressed(folder / "values.npz", **found)
    print(*(f"{package} {version(package)}" for package in ("torch-fidelity", "torch", "numpy")))
    print({name: (value.shape, value.mean(), value.std()) for name, value in found.items()})


main()
