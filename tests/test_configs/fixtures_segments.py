# Copyright (c) mmevad authors. All rights reserved.
"""Segment datasets: the official files, through the scripts of tools/data."""
import csv
import json
from pathlib import Path
from typing import Dict, List

import numpy as np
import torch

from .fixtures_ava import write_lines
from .fixtures_tubes import load_tool


def features(length: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(length)
    return rng.standard_normal((length, width), dtype=np.float32)


def write_csv(path: Path, rows: List[dict]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def write_json(path: Path, content: dict) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return str(path)


def names(count: int) -> List[str]:
    return [f'class{i:03d}' for i in range(count)]


def write_thumos14(root: Path) -> None:
    """Text files of 20 classes, one of which is marked as ambiguous."""
    official = root.with_name('thumos14_official')
    for i, name in enumerate(names(20)):
        for part, long in (('val', 'validation'), ('test', 'test')):
            write_lines(official / f'annotation_{part}/{name}_{part}.txt',
                        (f'video_{long}_{k:07d}  {i + k}.5 {i + k + 3}.0'
                         for k in (1, 2)))
    write_lines(official / 'annotation_test/Ambiguous_test.txt',
                ['video_test_0000001 1.0 2.0'])
    write_lines(official / 'annotation_val/detclasslist.txt',
                (f'{i + 1} {x}' for i, x in enumerate(names(20))))
    videos = [
        f'video_{x}_{k:07d}' for x in ('validation', 'test') for k in (1, 2)
    ]
    durations = write_csv(official / 'durations.csv',
                          [dict(video=x, duration=30, fps=30) for x in videos])
    load_tool('thumos14/make_thumos14').main([
        str(official), '--durations', durations, '--out',
        str(root / 'annotations/thumos14.json')
    ])
    (root / 'i3d_features').mkdir()
    for i, video in enumerate(videos):
        np.save(root / f'i3d_features/{video}.npy', features(220 + i, 2048))


def write_activitynet(root: Path) -> None:
    """The official JSON, 200 classes, names without 'v_'."""
    official = root.with_name('activitynet_official')
    database: Dict[str, dict] = {}
    for i in range(5):
        database[f'id{i:09d}'] = dict(
            subset='validation' if i > 2 else 'training',
            duration=40.,
            resolution='320x240',
            url='https://...',
            annotations=[
                dict(segment=[3., 9.], label=names(200)[6 * i]),
                dict(segment=[20., 35.], label=names(200)[199 - i]),
            ])
    gone = dict(database['id000000000'], url='')
    path = write_json(
        official / 'activity_net.v1-3.min.json',
        dict(
            version='VERSION 1.3',
            taxonomy=[],
            database=dict(database, no_features=gone)))
    write_lines(official / 'action_name.csv', ['action', *names(200)])
    load_tool('activitynet/make_activitynet').main([
        path, '--classes',
        str(official / 'action_name.csv'), '--out',
        str(root / 'annotations/activitynet_1.3.json')
    ])
    for kind, width in (('tsp', 512), ('i3d', 2048)):
        (root / f'{kind}_features').mkdir()
        for i, video in enumerate(database):
            np.save(root / f'{kind}_features/v_{video}.npy',
                    features(30 + i, width))
    scores = np.random.default_rng(0).random((5, 200)).tolist()
    write_json(root / 'annotations/video_scores.json',
               dict(results=dict(zip(database, scores))))


def write_epic_kitchens(root: Path) -> None:
    """The CSV files, 97 verbs and 300 nouns."""
    official = root.with_name('epic_official')
    for kind, count in (('verb', 97), ('noun', 300)):
        write_csv(official / f'EPIC_100_{kind}_classes.csv',
                  [dict(id=i, key=x) for i, x in enumerate(names(count))])
    videos = ['P01_01', 'P01_02', 'P02_01']
    write_csv(official / 'EPIC_100_video_info.csv', [
        dict(video_id=x, duration=90., fps=59.94, resolution='1920x1080')
        for x in videos
    ])
    for part, chosen in (('train', videos[:2]), ('validation', videos[2:])):
        write_csv(official / f'EPIC_100_{part}.csv', [
            dict(
                narration_id=f'{video}_{i}',
                video_id=video,
                start_timestamp=f'00:00:{10 * i + 1:02d}.10',
                stop_timestamp=f'00:00:{10 * i + 7:02d}.45',
                verb_class=i,
                noun_class=40 * i) for video in chosen for i in range(5)
        ])
    load_tool('epic_kitchens/make_epic_kitchens').main(
        [str(official), '--out',
         str(root / 'annotations')])
    (root / 'slowfast_features').mkdir()
    for i, video in enumerate(videos):
        np.savez(
            root / f'slowfast_features/{video}.npz',
            feats=features(160 + i, 2304))


def write_ego4d(root: Path) -> None:
    """moments_*.json of 110 classes, features of whole videos."""
    official = root.with_name('ego4d_official')
    paths = []
    for split, clips in (('train', ('c1', 'c2')), ('val', ('c3', ))):
        labels = [
            dict(
                start_time=i * 0.5,
                end_time=i * 0.5 + 6,
                label=name,
                primary=True) for i, name in enumerate(names(110))
        ]
        video = dict(
            video_uid=f'{split}_video',
            split=split,
            clips=[
                dict(
                    clip_uid=clip,
                    video_start_sec=60. * i,
                    video_end_sec=60. * i + 62.,
                    annotations=[dict(annotator_uid='a', labels=labels)])
                for i, clip in enumerate(clips)
            ])
        paths.append(
            write_json(official / f'moments_{split}.json',
                       dict(videos=[video])))
        torch.save(
            torch.from_numpy(features(240, 2304)),
            official / f'{split}_video.pt')
    load_tool('ego4d/make_ego4d').main(
        [*paths, '--features',
         str(official), '--out',
         str(root)])


def write_sbhar(root: Path) -> None:
    """Accelerometer text files of 11 people, the release's nine test."""
    official = root.with_name('sbhar_official') / 'RawData'
    official.mkdir(parents=True)
    users = (1, 2, 3, 4, 9, 10, 12, 13, 18, 20, 24)
    lines = []
    for number, user in enumerate(users, 1):
        name = f'acc_exp{number:02d}_user{user:02d}.txt'
        np.savetxt(official / name, features(1500 + number, 3), fmt='%.6f')
        lines += [
            f'{number} {user} {label} {100 * label} {100 * label + 80}'
            for label in range(1, 13)
        ]
    write_lines(official / 'labels.txt', lines)
    load_tool('sbhar/make_sbhar').main([str(official), '--out', str(root)])
