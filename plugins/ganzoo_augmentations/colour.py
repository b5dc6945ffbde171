"""Changes of colour of ADA (Karras et al. 2020, arXiv:2006.06676, appendix B).

The paper multiplies matrices of 4 x 4 numbers. All of its changes keep the luma axis (1, ..., 1) apart from the plane
orthogonal to it. So the product is one number for the luma, one for the chroma, and a rotation of the chroma. In this
form the changes exist for any number of channels; the rotation needs three.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor


def change_colours(images: Tensor, p: float | Tensor) -> Tensor:
    """Change the colours of images ``[N, C, H, W]``, each of these with probability `p` for each image:

    - brightness: b ~ N(0, 0.2^2) is added;
    - contrast: all is multiplied by c = 2^n, n ~ N(0, 0.5^2);
    - luma flip: the luma gets another sign, with probability 1/2;
    - hue: the chroma is rotated by an angle ~ U(-pi, pi);
    - saturation: the chroma is multiplied by s = 2^n, n ~ N(0, 1).
    """
    shape = (len(images), 1, 1, 1)
    flip, angle = torch.rand(2, *shape, device=images.device, dtype=images.dtype)
    b, c, s = torch.randn(3, *shape, device=images.device, dtype=images.dtype)
    chosen = torch.rand(5, *shape, device=images.device) < p
    b = torch.where(chosen[0], 0.2 * b, 0)
    c = torch.where(chosen[1], 2 ** (0.5 * c), 1)
    sign = torch.where(chosen[2] & (flip < 0.5), -1, 1)
    angle = torch.where(chosen[3], (2 * angle - 1) * pi, 0)
    s = torch.where(chosen[4], 2**s, 1)
    luma = images.mean(1, keepdim=True)
    chroma = images - luma
    if images.shape[1] == 3:
        chroma = rotate_hue(chroma, angle)
    return torch.where(chosen.any(0), sign * c * (luma + b) + s * c * chroma, images)


def rotate_hue(chroma: Tensor, angle: Tensor) -> Tensor:
    """Rotate colours ``[N, 3, H, W]`` that are orthogonal to the luma axis v = (1, 1, 1) / sqrt(3) about it.

    For vectors orthogonal to v, Rodrigues' formula is ``x cos + (v x x) sin`` (with the cross product of v and x).
    """
    crossed = (chroma.roll(1, 1) - chroma.roll(-1, 1)) / 3**0.5
    return angle.cos() * chroma + angle.sin() * crossed
