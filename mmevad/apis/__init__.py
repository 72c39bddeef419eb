# Copyright (c) mmevad authors. All rights reserved.
"""From files to predictions, and from predictions to files."""
from mmevad.utils.video_reader import open_video
from .clip_features import ClipFeatureExtractor
from .evad_inferencer import EVADInferencer
from .inputs import Input, list_inputs
from .model_zoo import find_model, zoo_models
from .tal_inferencer import TALInferencer

__all__ = [
    'ClipFeatureExtractor', 'EVADInferencer', 'Input', 'TALInferencer',
    'find_model', 'list_inputs', 'open_video', 'zoo_models'
]
