# Copyright (c) mmevad authors. All rights reserved.
"""Find the persons of a video and what they do.

Writes what was found as JSON, as an annotated video and as a contact sheet.
"""
import argparse
import os
import os.path as osp
import sys
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
from rich.progress import track

from mmevad.apis import (EVADInferencer, Keyframe, open_video, to_dict,
                         write_json, write_sheet, write_video)
from mmevad.apis.evad_outputs import top_actions
from mmevad.utils.checkpoint import CheckpointError
from mmevad.utils.errors import DataError


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f'expected a whole number from 1, got {text!r}')
    return int(text)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('video', help='video file or folder of frames')
    parser.add_argument('--config', required=True, help='config file')
    parser.add_argument('--weights', required=True, help='checkpoint file')
    parser.add_argument('--out-dir', default='outputs/demo')
    parser.add_argument(
        '--every',
        type=positive,
        default=12,
        help='frames from one keyframe to the next')
    parser.add_argument(
        '--score-thr',
        type=float,
        default=.3,
        help='actions with a lower score are left out')
    parser.add_argument(
        '--person-score-thr',
        type=float,
        help="persons with a lower score are left out; by default the "
        "config's person_score_thr")
    parser.add_argument(
        '--top-k', type=positive, default=3, help='actions per person')
    parser.add_argument(
        '--label-map', help='.pbtxt file with the names of the actions')
    parser.add_argument(
        '--short-side',
        type=positive,
        help='resize frames to this shorter side first, if the test pipeline '
        'has no Resize and the model was trained on small frames')
    parser.add_argument(
        '--fps', type=float, help='frame rate, if the input is a folder')
    parser.add_argument('--batch-size', type=positive, default=4)
    parser.add_argument('--device', default='cpu')
    return parser.parse_args(argv)


def describe(keyframe: Keyframe, classes: List[str], top_k: int,
             score_thr: float) -> str:
    """One line: time, then each person with score and actions."""
    parts = []
    for person in keyframe.persons:
        actions = ', '.join(
            f'{name} {score:.2f}'
            for name, score in top_actions(person, classes, top_k, score_thr))
        parts.append(f'person {person.person_score:.2f}: '
                     f'{actions or "no action"}')
    return f'{keyframe.time:8.2f} s  {"; ".join(parts) or "nobody"}'


def run(args: argparse.Namespace) -> None:
    video = open_video(args.video, args.fps)
    inferencer = EVADInferencer(
        args.config,
        args.weights,
        device=args.device,
        label_map=args.label_map,
        person_score_thr=args.person_score_thr,
        short_side=args.short_side)
    shown = (inferencer.classes, args.top_k, args.score_thr)
    keyframes = []
    for keyframe in track(
            inferencer(video, args.every, args.batch_size),
            total=-(-len(video) // args.every),
            description='Detecting'):
        keyframes.append(keyframe)
        print(describe(keyframe, *shown))
    if not any(keyframe.persons for keyframe in keyframes):
        print('Nobody reached the person score of '
              f'{inferencer.model.person_score_thr:g}; try a lower '
              '--person-score-thr, or --short-side if the frames are larger '
              'than those the model was trained on.')
    os.makedirs(args.out_dir, exist_ok=True)
    name = osp.basename(osp.normpath(args.video))
    if osp.isfile(args.video):
        name = osp.splitext(name)[0]
    stem = osp.join(args.out_dir, name)
    # never the name of the input
    paths = (f'{stem}.json', f'{stem}_actions.mp4', f'{stem}_actions.png')
    write_json(paths[0], to_dict(video, keyframes, *shown))
    write_video(paths[1], video, keyframes, *shown)
    write_sheet(paths[2], video, keyframes, *shown)
    print('Wrote ' + ', '.join(paths))


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    try:
        run(args)
    except (DataError, CheckpointError, OSError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
