"""Writes `values.npz`: features, and what torch-fidelity's and prdc's own functions compute from them.

    pip install --no-deps torch-fidelity==0.4.0 prdc==0.2; pip install scikit-learn tqdm torch
    python tests/plugins/metric_peers/write.py

torch-fidelity imports torchvision for its networks and data, which its functions of features do not need: what it
imports is replaced by empty modules.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from prdc import compute_prdc

for name in ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional"):
    sys.modules[name] = ModuleType(name)
sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
for dataset in ("CIFAR10", "CIFAR100", "STL10"):
    setattr(sys.modules["torchvision.datasets"], dataset, object)

from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # noqa: E402
from torch_fidelity.metric_isc import isc_features_to_metric  # noqa: E402
from torch_fidelity.metric_kid import kid_features_to_metric  # noqa: E402
from torch_fidelity.metric_prc import prc_features_to_metric  # noqa: E402


def main() -> None:
    random = np.random.default_rng(0)
    mix = random.normal(size=(12, 12))
    sets = {
        "many/real": random.normal(size=(120, 12)) @ mix,
        "many/fake": 1.2 * random.normal(size=(90, 12)) @ mix + 0.3,
        "few/real": np.abs(random.normal(size=(20, 50))),  # fewer samples than features
        "few/fake": np.abs(random.normal(size=(20, 50))) * 0.7,
        "logits": 3 * random.normal(size=(95, 10)),
    }
    found = {name: rows.astype(np.float32) for name, rows in sets.items()}
    for name in ("many", "few"):
        real, fake = (torch.from_numpy(found[f"{name}/{side}"]).double() for side in ("real", "fake"))
        statistics = [fid_features_to_statistics(rows) for rows in (fake, real)]
        fid = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
        size = min(len(real), len(fake))
        kid = kid_features_to_metric(fake[:size], real[:size], kid_subsets=1, kid_subset_size=size, verbose=False)
        pr = prc_features_to_metric(fake, real, prc_neighborhood=3, verbose=False)
        found[f"{name}/fid"] = np.array(fid)
        found[f"{name}/kid"] = np.array(kid["kernel_inception_distance_mean"])
        found[f"{name}/pr"] = np.array([pr["precision"], pr["recall"]])
        prdc = compute_prdc(real.numpy(), fake.numpy(), nearest_k=5)
        found[f"{name}/prdc"] = np.array([prdc[key] for key in ("precision", "recall", "density", "coverage")])
    scores = isc_features_to_metric(torch.from_numpy(found["logits"]), splits=10, shuffle=False)
    found["is"] = np.array([scores["inception_score_mean"], scores["inception_score_std"]])
    path = Path(__file__).with_name("values.npz")
    np.savez_compressed(path, **found)
    print(*(f"{package} {version(package)}" for package in ("torch-fidelity", "prdc", "torch", "numpy")))
    print({name: value for name, value in found.items() if value.size < 5}, path.stat().st_size)


main()
