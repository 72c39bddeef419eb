# Copyright (c) mmevad authors. All rights reserved.
"""Frame-mAP and video-mAP against mmaction2's functions for MultiSports.

mmaction2's linking gives every box the score of the last one, and its
``iou3dt_voc`` fails with numpy 2.4. Both are replaced for the comparison, see
:func:`repair`, and ours gets the settings of its linking.
"""
import argparse
from typing import Callable, Dict, List, NamedTuple

import numpy as np
from benchmarks.fresh import measure

CLASSES = 24
SIZE = np.array([320, 240, 320, 240], dtype=np.float32)
IOU_THRS = (0.2, 0.5, 0.75)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes of the test videos of UCF101-24 by default."""
    parser.add_argument('--tube-videos', type=int, default=910)
    parser.add_argument('--tube-frames', type=int, default=159289)
    parser.add_argument('--tube-boxes', type=int, default=10)


def rows(args: argparse.Namespace) -> List[Dict]:
    """Two rows; the share is the first videos."""
    share = args.share or min(1, 9 / args.tube_videos)
    part = max(1, round(share * args.tube_videos))
    sizes = (args.tube_videos, args.tube_frames, args.tube_boxes, args.seed)
    options = dict(repeats=args.repeats, threads=args.threads)
    found = []
    for kind in ('frame', 'video'):
        ours = measure(our_evaluation, kind, args.tube_videos, *sizes,
                       **options)
        same = ours if part == args.tube_videos else measure(
            our_evaluation, kind, part, *sizes, threads=args.threads)
        reference = measure(reference_evaluation, kind, part, *sizes,
                            **options)
        found.append(
            dict(
                name=f'{kind}-mAP, {args.tube_frames} frames x '
                f'{args.tube_boxes} x {CLASSES}',
                ours_s=ours.seconds,
                ours_mib=ours.mib,
                reference_s=reference.seconds,
                reference_mib=reference.mib,
                reference_share=part / args.tube_videos,
                agree=float(np.abs(same.value - reference.value).max())))
    return found


class MadeUp(NamedTuple):
    """Annotation and predictions of some videos.

    Attributes:
        nframes (np.ndarray): (V,) frames of each video.
        labels (np.ndarray): (V,) class of each video.
        tubes (list): For each video its tubes, (n, 5) each.
        videos (np.ndarray): (N,) video of each box.
        frames (np.ndarray): (N,) frame of each box.
        boxes (np.ndarray): (N, 4) float32, in pixels.
        scores (np.ndarray): (N, 24) float32.
    """

    nframes: np.ndarray
    labels: np.ndarray
    tubes: List[List[np.ndarray]]
    videos: np.ndarray
    frames: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


def make_up(part: int, num_videos: int, num_frames: int, num_boxes: int,
            seed: int) -> MadeUp:
    """The first ``part`` videos.

    In each, ``num_boxes`` people stand beside each other and move a little;
    a tube is a part of the time of one of the first two.
    """
    rng = np.random.default_rng(seed)
    nframes = np.exp(rng.normal(0, 0.45, num_videos))
    nframes = np.maximum(nframes * num_frames / nframes.sum(), 20).astype(int)
    nframes[0] += num_frames - nframes.sum()
    labels = rng.integers(0, CLASSES, num_videos)
    tubes, columns = [], []
    for video in range(part):
        rng = np.random.default_rng([seed, video])
        count, wide = int(nframes[video]), SIZE[0] / num_boxes
        frames = np.arange(1, count + 1)
        corner = np.stack(
            [wide * np.arange(num_boxes),
             rng.uniform(0, 120, num_boxes)], 1)
        corner = corner + 3 * np.sin(frames[:, None, None] / 9 +
                                     rng.uniform(0, 6, (num_boxes, 2)))
        true = np.concatenate([corner, corner + [1.1 * wide, 100]], axis=2)
        people = rng.permutation(num_boxes)[:rng.integers(1, 3)]
        tubes.append([])
        scores = 0.5 * rng.random((count, num_boxes, CLASSES))
        for person in people:
            length = int(count * rng.uniform(0.6, 1))
            first = int(rng.integers(0, count - length + 1))
            own = slice(first, first + length)
            tubes[-1].append(np.column_stack([frames[own], true[own, person]]))
            scores[own, person, labels[video]] += 0.4 * rng.random()
        noise = rng.uniform(0, 0.08) * np.array([wide, 100, wide, 100])
        boxes = true + noise * rng.normal(size=true.shape)
        columns.append((np.full(count * num_boxes,
                                video), np.repeat(frames, num_boxes),
                        boxes.reshape(-1, 4).astype(np.float32),
                        scores.reshape(-1, CLASSES).astype(np.float32)))
    return MadeUp(nframes[:part], labels[:part], tubes,
                  *(np.concatenate(x) for x in zip(*columns)))


def our_evaluation(kind: str, *sizes: int) -> Callable[[], np.ndarray]:
    """Made-up arrays; when called, mAP by threshold."""
    from mmevad.evaluation import (FrameDetections, Linking, frame_map,
                                   link_tubes, tube_table, video_map)
    data = make_up(*sizes)
    gts = tube_table((video, label, 1., tube)
                     for video, label in enumerate(data.labels)
                     for tube in data.tubes[video])
    dets = FrameDetections(*data[3:])
    linking = Linking(
        iou_thr=0.5,
        iou_weight=0,
        max_gap=1,
        nms_iou_thr=0.6,
        min_length=15,
        min_tube_score=0.005)

    def evaluate() -> np.ndarray:
        if kind == 'frame':
            return frame_map(gts, dets, (0.5, )).mean_ap
        tubes = link_tubes(dets, linking)
        return video_map(gts, tubes, CLASSES, IOU_THRS).mean_ap

    return evaluate


def reference_evaluation(kind: str, *sizes: int) -> Callable[[], np.ndarray]:
    """The same with mmaction2."""
    import mmevad  # noqa: F401  isort: skip
    from mmaction.evaluation import frameAP, link_tubes, videoAP
    repair()
    data = make_up(*sizes)
    names = [f'v{i:04d}' for i in range(len(data.labels))]
    truth = dict(
        labels=[f'class {i}' for i in range(CLASSES)],
        test_videos=[names],
        nframes=dict(zip(names, data.nframes.tolist())),
        gttubes={
            name: {
                label: tubes
            }
            for name, label, tubes in zip(names, data.labels.tolist(),
                                          data.tubes)
        })
    row, label = (x.ravel() for x in np.indices(data.scores.shape))
    table = np.column_stack([
        data.videos[row], data.frames[row], label,
        data.scores.ravel(), data.boxes[row]
    ])

    def evaluate() -> np.ndarray:
        if kind == 'frame':
            return np.array([frameAP(truth, table, 0.5, False)]) / 100
        tubes = link_tubes(truth, table)
        return np.array([videoAP(truth, tubes, x, False)
                         for x in IOU_THRS]) / 100

    return evaluate


def repair() -> None:
    """Make mmaction2's functions give a number, and the right one.

    A box is linked with its own score, and the overlap in time counts
    frames, where mmaction2 subtracts the first from the last.
    """
    from mmaction.evaluation.functional import multisports_utils as module

    class Dataset(module.Dataset):

        def get_vid_dets(self) -> dict:
            found = {
                name: {
                    frame: {
                        i: []
                        for i in range(len(self.labels))
                    }
                    for frame in range(1, self.nframes[name] + 1)
                }
                for name in self.video_list
            }
            for video, frame, label, score, *box in self.frm_alldets.tolist():
                name = self.video_list[int(video)]
                found[name][int(frame)][int(label)].append([*box, score])
            return {
                name: {
                    frame: {
                        i: np.array(rows).reshape(-1, 5)
                        for i, rows in by_label.items()
                    }
                    for frame, by_label in by_frame.items()
                }
                for name, by_frame in found.items()
            }

    def iou3dt_voc(first: np.ndarray, second: np.ndarray) -> float:
        begin = max(first[0, 0], second[0, 0])
        end = min(first[-1, 0], second[-1, 0])
        if end < begin:
            return 0.
        own = [
            tube[(tube[:, 0] >= begin) & (tube[:, 0] <= end)]
            for tube in (first, second)
        ]
        frames = len(first) + len(second) - len(own[0])
        return module.iou3d_voc(*own) * len(own[0]) / frames

    module.Dataset = Dataset
    module.iou3dt_voc = iou3dt_voc
