# Copyright (c) mmevad authors. All rights reserved.
"""Optimiser set-up and hooks."""
from .checkpoint_hook import SafeCheckpointHook
from .finite_loss_hook import FiniteLossHook
from .optim_wrapper_constructor import EVADOptimWrapperConstructor
from .seed_hook import IterationSeedHook
from .visualization_hook import DetectionVisualizationHook

__all__ = [
    'DetectionVisualizationHook', 'EVADOptimWrapperConstructor',
    'FiniteLossHook', 'IterationSeedHook', 'SafeCheckpointHook'
]
