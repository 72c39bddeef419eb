# Copyright (c) mmevad authors. All rights reserved.
from .ava_map import (ClassScores, KeyframeBoxes, KeyframeTruth, box_iou,
                      keyframe_ap)
from .ava_metric import AVAFrameMAP
from .dump_predictions import DumpPredictions
from .person_ap import PersonAP
from .segment_json import (GroundTruth, read_ground_truth, read_results,
                           write_results)
from .segment_map import (Segments, SegmentScores, clean_ground_truth,
                          segment_map)
from .segment_metric import SegmentMAP, evaluate_segments
from .segment_table import format_scores
from .tube_linking import Linking, link_tubes
from .tube_map import TubeScores, frame_map, tube_iou, video_map
from .tube_metric import TubeMAP
from .tube_tables import FrameDetections, TubeTable, tube_table

__all__ = [
    'AVAFrameMAP', 'ClassScores', 'DumpPredictions', 'KeyframeBoxes',
    'KeyframeTruth', 'PersonAP', 'box_iou', 'keyframe_ap', 'GroundTruth',
    'SegmentMAP', 'SegmentScores', 'Segments', 'clean_ground_truth',
    'evaluate_segments', 'format_scores', 'read_ground_truth', 'read_results',
    'segment_map', 'write_results', 'FrameDetections', 'Linking', 'TubeMAP',
    'TubeScores', 'TubeTable', 'frame_map', 'link_tubes', 'tube_iou',
    'tube_table', 'video_map'
]
