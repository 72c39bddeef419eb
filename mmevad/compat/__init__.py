# Copyright (c) mmevad authors. All rights reserved.
"""Makes today's torch, numpy and the published OpenMMLab wheels work.

One file per breakage, each with ``apply() -> Report`` that does nothing where
the breakage is absent. Importing this package applies all of them;
``python -m mmevad.compat`` prints what was found, and
``python -m mmevad.compat script.py ...`` runs a script of somebody else after
them.
"""
from . import (local_rank, missing_importlib_metadata, mmaction_ava_metric,
               mmaction_drn, mmcv_ext, mmengine_amp, numpy_aliases,
               pkg_resources, torch_load, version_bounds)

REPORTS = tuple(breakage.apply() for breakage in (
    version_bounds,
    mmaction_drn,
    missing_importlib_metadata,
    mmcv_ext,
    numpy_aliases,
    mmaction_ava_metric,
    torch_load,
    mmengine_amp,
    pkg_resources,
    local_rank,
))

__all__ = ['REPORTS']
