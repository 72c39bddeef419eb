# Copyright (c) mmevad authors. All rights reserved.
"""Find the start, the end and the label of actions in untrimmed videos.

Writes what was found as JSON and as a timeline.
"""
import argparse
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first

from mmevad.apis import TALInferencer
from mmevad.apis.demo_arguments import add_common_arguments, run_each
from mmevad.utils.command_line import positive, positive_number, run_command


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='file or URL of features (.npy, .npz, .pt, .h5) or of a video, '
        'folder of such or of frames, or index of a camera')
    add_common_arguments(parser, batch_size=8, score_thr=.1)
    parser.add_argument(
        '--top-k',
        type=positive,
        default=200,
        help='segments per video (default: 200)')
    parser.add_argument(
        '--class-file', help='text file with one name of a class per line')
    parser.add_argument(
        '--duration',
        type=positive_number,
        help='of the video in seconds, if the input are features and it ends '
        'later than the last one')
    group = parser.add_argument_group(
        'features of videos',
        'what the model was trained on; by default feature_extractor of the '
        'config')
    group.add_argument(
        '--feature-config',
        help='recognizer of mmaction2 or EVAD: name in the zoo, '
        'mmaction::PATH in that of mmaction2, or file')
    group.add_argument(
        '--feature-weights', help='its weights; by default those of the zoo')
    group.add_argument(
        '--feat-stride',
        type=positive,
        help='frames from one feature to the next; by default as the model '
        'was trained')
    group.add_argument(
        '--clip-len',
        type=positive,
        help="frames of a clip; by default as in the config's test pipeline")
    group.add_argument(
        '--frame-interval',
        type=positive,
        help='frames from one of them to the next; default as above')
    group.add_argument(
        '--layer',
        help='such as backbone or backbone+actions, see '
        'tools/misc/extract_clip_features.py (default: backbone)')
    group.add_argument(
        '--pool', help='such as mean or mean+max (default: mean)')
    group.add_argument('--fp16', action='store_true', help='mixed precision')
    return parser.parse_args(argv)


def feature_extractor(args: argparse.Namespace) -> Optional[dict]:
    """Arguments of the extractor, as far as they are given."""
    if args.feature_config is None:
        return None
    names = ('feat_stride', 'clip_len', 'frame_interval', 'layer', 'pool')
    given = {name: getattr(args, name) for name in names}
    return dict({
        name: x
        for name, x in given.items() if x is not None
    },
                config=args.feature_config,
                weights=args.feature_weights,
                fp16=args.fp16)


def run(args: argparse.Namespace) -> None:
    inferencer = TALInferencer(
        args.config,
        args.weights,
        device=args.device,
        feature_extractor=feature_extractor(args),
        class_file=args.class_file)
    predictions = run_each(
        inferencer,
        args, ('_segments.json', '_timeline.png'),
        features=True,
        duration=args.duration)
    if not any(prediction['segments'] for prediction in predictions):
        print(f'No segment reached the score of {args.score_thr:g}; try a '
              'lower --score-thr.')


def main(argv: Optional[List[str]] = None) -> None:
    run_command(run, parse_args(argv))


if __name__ == '__main__':
    main()
