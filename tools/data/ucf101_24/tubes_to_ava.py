# Copyright (c) mmevad authors. All rights reserved.
"""Turn a UCF101-24 / JHMDB tube file into an AVA-style keyframe dataset.

Writes OUT/ava_<subset>.csv, OUT/label_map.pbtxt and, if asked,
OUT/frames/<video>/img_00001.jpg and so on.
"""

import argparse
import os
import os.path as osp
import shutil
import sys
import tempfile
from typing import Dict, List, Optional, Sequence, Tuple

import cv2

from mmevad.datasets.tube_checks import find_clip
from mmevad.datasets.tube_keyframes import KeyframeBox, tubes_to_keyframes
from mmevad.datasets.tubes import Tubes, load_tubes
from mmevad.utils.errors import DataError, raise_data_errors

FRAME_NAME = 'img_{:05}.jpg'


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('tubes', help='.pkl or .json tube file, or with .xz')
    parser.add_argument('--out', required=True, help='new folder to write')
    parser.add_argument(
        '--videos', help='folder with <class>/<video>.avi or <video>.avi')
    parser.add_argument(
        '--every', type=int, default=6, help='keep every k-th annotated frame')
    parser.add_argument(
        '--subset',
        nargs='+',
        default=['train', 'test'],
        choices=['train', 'test', 'all'],
        help='one CSV is written for each')
    parser.add_argument(
        '--split', type=int, default=1, help='split, counted from 1')
    parser.add_argument(
        '--classes',
        default='all',
        choices=['all', 'present'],
        help="'present' numbers only the classes that occur")
    parser.add_argument(
        '--extract-frames',
        action='store_true',
        help='decode every frame of the videos')
    parser.add_argument(
        '--frame-size',
        type=frame_size,
        metavar='WxH',
        help="size of the frames; the video's own if left out")
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an earlier OUT')
    args = parser.parse_args(argv)
    if args.every < 1:
        parser.error('--every must be at least 1')
    if args.extract_frames and not args.videos:
        parser.error('--extract-frames needs --videos')
    if args.frame_size and not args.extract_frames:
        parser.error('--frame-size needs --extract-frames')
    return args


def frame_size(text: str) -> Tuple[int, int]:
    width, _, height = text.lower().partition('x')
    if not width.isdigit() or not height.isdigit(
    ) or not int(width) * int(height):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not WxH, for example 320x240')
    return int(width), int(height)


def find_clips(folder: str, videos: Sequence[str]) -> Dict[str, str]:
    """The file of each video: <folder>/<video>.* or without its class."""
    found = {video: find_clip(folder, video) for video in videos}
    missing = [video for video, clip in found.items() if clip is None]
    if missing:
        shown = ', '.join(missing[:3])
        raise DataError(
            f'{len(missing)} of {len(videos)} videos are not under {folder} '
            f'as <video>.avi, .mp4, .mkv or .webm, for example {shown}; '
            'complete the folder or choose another --subset.')
    return found


def extract_frames(clip: str, folder: str, nframes: int,
                   size: Optional[Tuple[int, int]]) -> None:
    """Write all frames of a clip into a new folder, from img_00001.jpg on.

    Args:
        clip (str): Video file.
        folder (str): Folder to make.
        nframes (int): Number of frames by the tube file.
        size (Tuple[int, int], optional): Width and height in pixels.

    Raises:
        DataError: If the clip does not have ``nframes`` frames.
    """
    os.makedirs(folder)
    reader = cv2.VideoCapture(clip)
    count = 0
    while True:
        good, image = reader.read()
        if not good:
            break
        count += 1
        if size is not None:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        path = osp.join(folder, FRAME_NAME.format(count))
        if not cv2.imwrite(path, image, [cv2.IMWRITE_JPEG_QUALITY, 95]):
            raise OSError(f'{path} could not be written.')
    reader.release()
    if count != nframes:
        raise DataError(f'{clip} has {count} readable frames, but the tube '
                        f'file counts {nframes}; get the clip anew.')


def write_csv(path: str, rows: Sequence[KeyframeBox],
              new_ids: Dict[int, int]) -> None:
    """video_id, frame, x1, y1, x2, y2, action_id, entity_id; no header."""
    with open(path, 'w') as file:
        for row in rows:
            box = ','.join(f'{value:.6f}' for value in row.box)
            file.write(f'{row.video},{row.frame},{box},'
                       f'{new_ids[row.action_id]},{row.entity_id}\n')


def write_label_map(path: str, labels: Sequence[str],
                    new_ids: Dict[int, int]) -> None:
    """The form that ``mmaction.evaluation.read_labelmap`` reads."""
    with open(path, 'w') as file:
        for old, new in new_ids.items():
            file.write(f'item {{\n  name: "{labels[old - 1]}"\n'
                       f'  id: {new}\n}}\n')


def write_dataset(folder: str, tubes: Tubes, args: argparse.Namespace) -> None:
    """Fill an empty folder; raises before a frame is written, if it can."""
    subsets = {
        name: tubes.subset(name, args.split)
        for name in dict.fromkeys(args.subset)
    }
    videos = list(dict.fromkeys(sum(subsets.values(), [])))
    raise_data_errors([
        f'{args.tubes}: the video name {video!r} cannot stand in a CSV file.'
        for video in videos if ',' in video or '\n' in video
        or '..' in video.split('/') or video.startswith('/')
    ])
    raise_data_errors([
        f'{args.tubes}: the class {name!r} cannot stand in a label map.'
        for name in tubes.labels if not name or set(name) & set('"\r\n')
    ])
    clips = find_clips(args.videos, videos) if args.videos else {}
    rows = {
        name: tubes_to_keyframes(tubes, args.every, subsets[name])
        for name in subsets
    }
    used = sorted({row.action_id for part in rows.values() for row in part})
    if args.classes == 'all':
        used = range(1, len(tubes.labels) + 1)
    new_ids = {old: new for new, old in enumerate(used, 1)}
    write_label_map(osp.join(folder, 'label_map.pbtxt'), tubes.labels, new_ids)
    for name, part in rows.items():
        write_csv(osp.join(folder, f'ava_{name}.csv'), part, new_ids)
        keyframes = len({row[:2] for row in part})
        print(f'{name}: {len(subsets[name])} videos, {keyframes} keyframes, '
              f'{len(part)} boxes')
    if args.extract_frames:
        for i, video in enumerate(videos, 1):
            print(f'\rframes of video {i}/{len(videos)}', end='', flush=True)
            extract_frames(clips[video], osp.join(folder, 'frames', video),
                           tubes.nframes[video], args.frame_size)
        print()
    print(f'{len(new_ids)} classes: num_classes={len(new_ids) + 1}. Dataset '
          'arguments: fps=1, timestamp_start=0, start_index=0, '
          f'filename_tmpl={FRAME_NAME!r}')


def check_out(out: str, overwrite: bool) -> None:
    """Only a folder of this tool may be replaced."""
    if not osp.lexists(out):
        return
    if not overwrite:
        raise DataError(f'{out} exists; choose another --out, or replace it '
                        'with --overwrite.')
    ours: List[str] = ['label_map.pbtxt', 'frames']
    ours += [f'ava_{name}.csv' for name in ('train', 'test', 'all')]
    if osp.islink(out) or not osp.isdir(out) or set(
            os.listdir(out)) - set(ours):
        raise DataError(f'{out} was not written by this tool alone and is '
                        'left as it is; choose another --out.')


def main(argv: Optional[Sequence[str]] = None) -> None:
    args = parse_args(argv)
    out = osp.abspath(args.out)
    check_out(out, args.overwrite)
    tubes = load_tubes(args.tubes)
    os.makedirs(osp.dirname(out), exist_ok=True)
    # Everything is written next to OUT and moved there in one step.
    temp = tempfile.mkdtemp(
        prefix=f'.{osp.basename(out)}-', dir=osp.dirname(out))
    try:
        new, old = osp.join(temp, 'new'), osp.join(temp, 'old')
        os.mkdir(new)
        write_dataset(new, tubes, args)
        if osp.lexists(out):
            os.rename(out, old)
        try:
            os.rename(new, out)
        except OSError:
            if osp.lexists(old):
                os.rename(old, out)
            raise
    finally:
        shutil.rmtree(temp)
    print(f'written: {args.out}')


if __name__ == '__main__':
    try:
        main()
    except DataError as error:
        sys.exit(str(error))
