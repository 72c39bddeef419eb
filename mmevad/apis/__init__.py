# Copyright (c) mmevad authors. All rights reserved.
"""From files to predictions, and from predictions to files."""
from .clip_features import ClipFeatureExtractor
from .evad_inferencer import Detection, EVADInferencer, Keyframe
from .evad_outputs import to_dict, write_json, write_sheet, write_video
from .video_reader import open_video

__all__ = [
    'ClipFeatureExtractor', 'Detection', 'EVADInferencer', 'Keyframe',
    'open_video', 'to_dict', 'write_json', 'write_sheet', 'write_video'
]
