# Copyright (c) mmevad authors. All rights reserved.
"""Predictions that ``tools/test.py --dump`` wrote -> videos."""
from typing import Any, Dict, List

import numpy as np

from mmevad.apis.evad_outputs import Detection, Shown, top_actions
from mmevad.evaluation.keyframe_preds import check_prediction, name_of
from mmevad.evaluation.segment_checks import find_bad_rows
from mmevad.utils.errors import DataError, raise_data_errors
from mmevad.utils.safe_pickle import safe_pickle_loads
from .content import TOP_K, Person, ReportKeyframe, ReportSegment, ReportVideo
from .ground_truth import GroundTruth
from .predictions import video_name

_DIGITS = 4  # of scores, as in the demos' JSON


def read_dump(path: str, truth: GroundTruth,
              score_thr: float) -> List[ReportVideo]:
    """Videos of a pickle, of which nothing is run.

    Args:
        path (str): What :class:`DumpPredictions` wrote.
        truth (GroundTruth): Of the dataset that was tested on: it names the
            classes, and knows the frames of a detector's keyframes.
        score_thr (float): Actions and segments with a lower score are left
            out.

    Raises:
        DataError: If the file is missing, of another kind or of another
            dataset.
    """
    try:
        with open(path, 'rb') as file:
            samples = safe_pickle_loads(file.read(), path)
        videos = _parse(samples, truth, score_thr)
        for video in videos:
            video.source = path
        return videos
    except FileNotFoundError:
        reason = f'{path} does not exist.'
    except DataError as error:
        reason = str(error) if path in str(error) else f'{path}: {error}'
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError,
            ValueError) as error:
        reason = (f'{path} holds no predictions of EVAD or ActionFormer '
                  f'({type(error).__name__}: {error}).')
    raise DataError(f'{reason} Such a file is written by: python '
                    'tools/test.py CONFIG CHECKPOINT --dump FILE.pkl')


def _parse(samples: Any, truth: GroundTruth,
           score_thr: float) -> List[ReportVideo]:
    if not isinstance(samples, list) or not samples:
        raise TypeError('it is no list of samples')
    if 'video_name' in samples[0]:
        return [_localized(x, truth.classes, score_thr) for x in samples]
    if 'timestamp' not in samples[0]:
        raise TypeError('the first sample has no video_name and no timestamp')
    if not truth.frames:
        raise DataError('to know the frames of its keyframes takes the '
                        'annotations of the config that was tested with; '
                        'give it with --config.')
    shown = Shown(truth.classes, TOP_K, score_thr, range(len(truth.classes)))
    videos: Dict[str, ReportVideo] = {}
    for sample in samples:
        name = video_name(sample['video_id'])
        video = videos.setdefault(name, ReportVideo(name, keyframes=[]))
        video.keyframes.append(_keyframe(sample, truth, shown))
    for video in videos.values():
        video.keyframes.sort(key=lambda keyframe: keyframe.frame)
    return list(videos.values())


def _localized(sample: dict, classes: List[str],
               score_thr: float) -> ReportVideo:
    name, preds = sample['video_name'], sample['pred_instances']
    if not isinstance(name, str):
        raise TypeError(f'the video_name {name!r} is no text')
    segments = np.asarray(preds['segments'], np.float64).reshape(-1, 2)
    scores = np.asarray(preds['scores'], np.float64)
    labels = np.asarray(preds['labels'], np.int64)
    if not segments.shape[:1] == scores.shape == labels.shape:
        raise ValueError(f'video {name}: segments, scores and labels differ '
                         'in number')
    raise_data_errors(
        find_bad_rows(segments, lambda row: f'video {name}, prediction {row}',
                      scores))
    if len(labels) and labels.min() < 0:
        raise ValueError(f'video {name}: a label is negative')
    rows = [
        ReportSegment(
            start, end,
            classes[label] if label < len(classes) else f'class {label}',
            round(score, _DIGITS)) for (start, end), score, label in zip(
                segments.tolist(), scores.tolist(), labels.tolist())
        if score >= score_thr
    ]
    return ReportVideo(name, segments=rows)


def _keyframe(sample: dict, truth: GroundTruth,
              shown: Shown) -> ReportKeyframe:
    preds = sample['pred_instances']
    key, boxes, scores = check_prediction(sample, preds['scores'],
                                          1 + len(shown.classes))
    if key not in truth.frames:
        raise DataError(f'the dataset of the config lacks the keyframe '
                        f'{name_of(key)}; give the config that was tested '
                        'with, with --config.')
    # models of others have no scores of persons
    persons = np.asarray(
        preds.get('person_scores', scores[:, 1:].max(1, initial=0)),
        np.float64)
    if persons.shape != (len(boxes), ):
        raise ValueError(f'keyframe {name_of(key)}: as many person_scores as '
                         'bboxes are needed')
    found = sorted(
        map(Detection, boxes, persons.tolist(), scores[:, 1:]),
        key=lambda person: -person.person_score)
    return ReportKeyframe(truth.frames[key], [
        Person(
            tuple(x.box.tolist()), round(x.person_score, _DIGITS),
            [(name, round(score, _DIGITS))
             for name, score in top_actions(x, shown)]) for x in found
    ])
