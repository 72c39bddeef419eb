# Copyright (c) mmevad authors. All rights reserved.
"""Extract features of clips at a stride over whole videos.

For temporal localization: ``<out>/<video>.npy`` (T, C) float32 for each
video, and ``<out>/<video>.json`` that says how it was made. Feature g sees
the frames from g * feat_stride on, num_frames of them (see the JSON); the
datasets want these two numbers. Videos that are done are skipped, so the
same command goes on where it was stopped, and several may run side by side
on different videos.
"""
import argparse
import os.path as osp
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
from rich.progress import track

from mmevad.apis import ClipFeatureExtractor, open_video
from mmevad.apis.feature_files import (is_done, merge_annotations, video_names,
                                       write_features)
from mmevad.utils.command_line import (add_debug_argument, positive,
                                       positive_number, run_command)
from mmevad.utils.errors import DataError, raise_data_errors


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'config', help='of the model that makes the features, or its name')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument(
        'videos', nargs='+', help='video files or folders of frames')
    parser.add_argument('--out', required=True, help='folder of the features')
    parser.add_argument(
        '--feat-stride',
        type=positive,
        required=True,
        help='frames from one feature to the next')
    parser.add_argument(
        '--clip-len',
        type=positive,
        help="frames of a clip; by default as in the config's test pipeline")
    parser.add_argument(
        '--frame-interval',
        type=positive,
        help='frames of the video from one frame of a clip to the next; '
        'default as above')
    parser.add_argument(
        '--layer',
        default='backbone',
        help="what to take: backbone, a part such as backbone.layer3, or, of "
        "EVAD, actions: what its heads make of the clip; several joined by + "
        '(default: backbone)')
    parser.add_argument(
        '--pool',
        default='mean',
        help='how it becomes one vector: mean or max, for the backbone of '
        'EVAD also keyframe_mean or keyframe_max; several joined by + '
        '(default: mean)')
    parser.add_argument(
        '--fps',
        type=positive_number,
        help='frame rate; needed for folders, which do not know theirs')
    parser.add_argument(
        '--ann-file',
        nargs=2,
        metavar=('IN', 'OUT'),
        help="annotations in ActivityNet's form, and where to write those of "
        'the videos, completed with frame rates and durations')
    parser.add_argument(
        '--batch-size', type=positive, default=8, help='default: 8')
    parser.add_argument(
        '--device', help='default: cuda if there is any, else cpu')
    parser.add_argument('--fp16', action='store_true', help='mixed precision')
    add_debug_argument(parser)
    return parser.parse_args(argv)


def extract(args: argparse.Namespace) -> None:
    names = video_names(args.videos)
    if args.fps is None:
        raise_data_errors([
            f'{path} is a folder, whose frame rate is unknown; give --fps.'
            for path in names.values() if osp.isdir(path)
        ])
    extractor = ClipFeatureExtractor(
        args.config,
        args.checkpoint,
        args.feat_stride,
        clip_len=args.clip_len,
        frame_interval=args.frame_interval,
        layer=args.layer,
        pool=args.pool,
        device=args.device,
        fp16=args.fp16)
    # wrong settings are reported before anything is computed
    todo = [
        name for name in names
        if not is_done(args.out, name, extractor.settings)
    ]
    if len(todo) < len(names):
        print(f'{len(names) - len(todo)} of {len(names)} videos have features '
              f'with these settings in {args.out} and are skipped.')
    problems = []
    for name in track(todo, description='Extracting'):
        try:
            video = open_video(names[name], args.fps, forward=True)
            features = extractor(video, args.batch_size)
        except DataError as error:  # the other videos may be fine
            problems.append(str(error))
            continue
        write_features(
            args.out, name, features,
            dict(
                video=osp.basename(osp.normpath(names[name])),
                fps=video.fps,
                total_frames=len(video),
                feat_shape=list(features.shape),
                config=osp.basename(args.config),
                checkpoint=osp.basename(args.checkpoint),
                settings=extractor.settings))
    raise_data_errors(problems)
    settings = extractor.settings
    print(f'{len(names)} videos are in {args.out}: '
          f'feat_stride={settings["feat_stride"]}, '
          f'num_frames={settings["num_frames"]}')
    if args.ann_file:
        count = merge_annotations(args.out, list(names), *args.ann_file)
        print(f'{args.ann_file[1]} has the annotations of {count} of them')


def main(argv: Optional[List[str]] = None) -> None:
    run_command(extract, parse_args(argv))


if __name__ == '__main__':
    main()
