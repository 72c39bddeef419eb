# Copyright (c) mmevad authors. All rights reserved.
"""EVAD, spatio-temporal action detection (arXiv 2304.08451)."""
from .actor_head import QueryActorHead
from .context_decoder import ContextRefineDecoder
from .data_preprocessor import EVADDataPreprocessor
from .detector import EVAD
from .neck import KeyframeFPN
from .vit import KeyframeTokenPruneViT

__all__ = [
    'EVAD', 'ContextRefineDecoder', 'EVADDataPreprocessor', 'KeyframeFPN',
    'KeyframeTokenPruneViT', 'QueryActorHead'
]
