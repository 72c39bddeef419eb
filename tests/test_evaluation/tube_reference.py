# Copyright (c) mmevad authors. All rights reserved.
"""Frame-AP, tube linking and video-AP, one box after the other.

A tube is (video, label, score, {frame: box}), a detection (video, frame, box,
scores by class); a class without a score is absent.
"""
import numpy as np


def iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (first, second))
    return width * height / (areas - width * height)


def tube_iou(first, second):
    """Temporal IoU times the mean IoU on common frames."""
    common = sorted(set(first) & set(second))
    if not common:
        return 0.
    spatial = np.mean([iou(first[f], second[f]) for f in common])
    return len(common) / len(set(first) | set(second)) * spatial


def average_precision(true, num_gts, mode='area'):
    recall = np.cumsum(true) / num_gts
    precision = np.cumsum(true) / np.arange(1, len(true) + 1)
    if mode == '11points':
        return np.mean([
            max(precision[recall >= t / 10 - 1e-9], default=0)
            for t in range(11)
        ])
    area, before = 0., 0.
    for i, value in enumerate(recall):
        area += (value - before) * precision[i:].max()
        before = value
    return area


def greedy(places, overlaps, threshold):
    """Whether each detection, by score, is true.

    ``overlaps`` holds its overlap with every ground truth of its place.
    """
    taken, true = set(), []
    for place, values in zip(places, overlaps):
        hit = False
        if len(values) and max(values) >= threshold:
            for i, value in enumerate(values):
                if value == max(values) and (place, i) not in taken:
                    taken.add((place, i))
                    hit = True
                    break
        true.append(hit)
    return true


def frame_ap(gts, dets, label, threshold, mode='area'):
    boxes = {}
    for video, kind, _, tube in gts:
        for frame, box in tube.items() if kind == label else ():
            boxes.setdefault((video, frame), []).append(box)
    own = [d for d in dets if label in d[3]]
    own.sort(key=lambda d: -d[3][label])
    places = [d[:2] for d in own]
    overlaps = [[iou(d[2], b) for b in boxes.get(d[:2], ())] for d in own]
    return average_precision(
        greedy(places, overlaps, threshold), sum(map(len, boxes.values())),
        mode)


def video_ap(gts, tubes, label, threshold, mode='area'):
    own = sorted((t for t in tubes if t[1] == label), key=lambda t: -t[2])
    targets = [t for t in gts if t[1] == label]
    places = [t[0] for t in own]
    overlaps = [[tube_iou(t[3], g[3]) for g in targets if g[0] == t[0]]
                for t in own]
    return average_precision(
        greedy(places, overlaps, threshold), len(targets), mode)


def nms(found, threshold, top_k):
    """(score, box) of a frame, the best first."""
    found = sorted(found, key=lambda x: -x[0])
    kept = []
    for score, box in found:
        if all(iou(box, other) <= threshold for _, other in kept):
            kept.append((score, box))
    return kept[:top_k]


def link(dets,
         num_classes,
         iou_thr=0.2,
         iou_weight=0.,
         max_gap=5,
         nms_iou_thr=None,
         top_k=10,
         min_score=0.,
         min_length=15,
         min_tube_score=0.):
    """Tubes, by video and class."""
    tubes = []
    for video in sorted({d[0] for d in dets}):
        for label in range(num_classes):
            linked = _link_class([
                (d[1], d[3][label], d[2]) for d in dets
                if d[0] == video and label in d[3] and d[3][label] >= min_score
            ], iou_thr, iou_weight, max_gap,
                                 2 if nms_iou_thr is None else nms_iou_thr,
                                 top_k)
            for tube in linked:
                score = np.mean([score for _, score, _ in tube])
                first, last = tube[0][0], tube[-1][0]
                if last - first + 1 >= min_length and score >= min_tube_score:
                    tubes.append((video, label, score, fill(tube)))
    return tubes


def fill(tube):
    """Boxes by frame, interpolated where there is none."""
    frames = np.array([frame for frame, _, _ in tube])
    boxes = np.array([box for _, _, box in tube])
    everything = range(frames[0], frames[-1] + 1)
    columns = [np.interp(everything, frames, column) for column in boxes.T]
    return dict(zip(everything, np.transpose(columns)))


def _link_class(found, iou_thr, iou_weight, max_gap, nms_iou_thr, top_k):
    tubes = []
    for frame in sorted({frame for frame, _, _ in found}):
        left = nms([(s, b) for f, s, b in found if f == frame], nms_iou_thr,
                   top_k)
        # back to the order of the rows, which decides between equals
        rows = [tuple(b) for f, _, b in found if f == frame]
        left.sort(key=lambda x: rows.index(tuple(x[1])))
        ready = [t for t in tubes if frame - t[-1][0] <= max_gap]
        ready.sort(key=lambda t: -sum(x[1] for x in t) / len(t))
        for tube in ready:
            overlap = [iou(tube[-1][2], box) for _, box in left]
            value = [
                score + iou_weight * v if v >= iou_thr else -1
                for (score, _), v in zip(left, overlap)
            ]
            if value and max(value) >= 0:
                best = value.index(max(value))
                tube.append((frame, *left.pop(best)))
        tubes += [[(frame, score, box)] for score, box in left]
    return tubes
