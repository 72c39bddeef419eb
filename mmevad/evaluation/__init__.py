# Copyright (c) mmevad authors. All rights reserved.
from .segment_json import (GroundTruth, read_ground_truth, read_results,
                           write_results)
from .segment_map import (Segments, SegmentScores, clean_ground_truth,
                          segment_map)
from .segment_metric import SegmentMAP, evaluate_segments
from .segment_table import format_scores

__all__ = [
    'GroundTruth', 'SegmentMAP', 'SegmentScores', 'Segments',
    'clean_ground_truth', 'evaluate_segments', 'format_scores',
    'read_ground_truth', 'read_results', 'segment_map', 'write_results'
]
