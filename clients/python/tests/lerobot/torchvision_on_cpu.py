"""Lets torchvision be imported without its compiled operators, which need the same CUDA build of torch.

Import this module before lerobot. lerobot only uses the parts of torchvision that are written in Python.
"""

import torch

_library = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
