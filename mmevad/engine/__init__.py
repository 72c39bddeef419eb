# Copyright (c) mmevad authors. All rights reserved.
"""Optimiser set-up."""
from .optim_wrapper_constructor import EVADOptimWrapperConstructor

__all__ = ['EVADOptimWrapperConstructor']
