# Copyright (c) mmevad authors. All rights reserved.
"""Find the persons of videos and what they do.

Writes what was found as JSON, as an annotated video and as a contact sheet.
"""
import argparse
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first

from mmevad.apis import EVADInferencer
from mmevad.apis.demo_arguments import add_common_arguments, run_each
from mmevad.utils.command_line import positive, run_command, share


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='VIDEO',
        help='video file or URL, folder of frames or of videos, or index of '
        'a camera')
    add_common_arguments(parser, batch_size=4, score_thr=.3)
    parser.add_argument(
        '--every',
        default='12',
        help='frames from one keyframe to the next, or seconds as in 0.5s '
        '(default: 12)')
    parser.add_argument(
        '--person-score-thr',
        type=share,
        help="persons with a lower score are left out; by default the "
        "config's person_score_thr")
    parser.add_argument(
        '--top-k',
        type=positive,
        default=3,
        help='actions per person (default: 3)')
    parser.add_argument(
        '--label-map', help='.pbtxt file with the names of the actions')
    parser.add_argument(
        '--short-side',
        type=positive,
        help='resize frames to this shorter side first, if the test pipeline '
        'has no Resize and the model was trained on small frames')
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> None:
    inferencer = EVADInferencer(
        args.config,
        args.weights,
        device=args.device,
        label_map=args.label_map,
        person_score_thr=args.person_score_thr,
        short_side=args.short_side)
    predictions = run_each(
        inferencer,
        args, ('.json', '_actions.mp4', '_actions.png'),
        every=args.every)
    if not any(keyframe['actors'] for prediction in predictions
               for keyframe in prediction['keyframes']):
        print('Nobody reached the person score of '
              f'{inferencer.model.person_score_thr:g}; try a lower '
              '--person-score-thr, or --short-side if the frames are larger '
              'than those the model was trained on.')


def main(argv: Optional[List[str]] = None) -> None:
    run_command(run, parse_args(argv))


if __name__ == '__main__':
    main()
