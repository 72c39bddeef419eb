"""Small annotation files and made-up features."""
import json

import numpy as np
from mmengine.registry import init_default_scope

from mmevad.datasets import SegmentDataset

CLASSES = ['run', 'jump']
PIPELINE = [
    dict(type='LoadSegmentFeatures'),
    dict(type='SecondsToGrid'),
    dict(type='PackSegmentInputs')
]


def action(start, end, label=0, **kwargs):
    return dict(
        segment=[start, end], label=CLASSES[label], label_id=label, **kwargs)


def video(*annotations, subset='training', duration=20., fps=25., **kwargs):
    return dict(
        subset=subset,
        duration=duration,
        fps=fps,
        annotations=list(annotations),
        **kwargs)


def features(length, width=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((length, width), dtype=np.float32)


def write_json(folder, content, name='ann.json'):
    path = folder / name
    path.write_text(json.dumps(content))
    return str(path)


def write_features(folder, lengths, width=6):
    """One .npy file for each name."""
    folder.mkdir(exist_ok=True)
    for seed, (name, length) in enumerate(lengths.items()):
        np.save(folder / f'{name}.npy', features(length, width, seed))
    return str(folder)


def build(folder, database, lengths=None, pipeline=PIPELINE, **kwargs):
    """A dataset in a folder; 20 s at 25 fps and stride 5 are 100 features."""
    init_default_scope('mmaction')
    if lengths is None:
        lengths = {name: 100 for name in database}
    arguments = dict(
        ann_file=write_json(folder, dict(database=database)),
        data_prefix=dict(feat=write_features(folder / 'feats', lengths)),
        feat_stride=5,
        num_frames=5,
        metainfo=dict(classes=CLASSES),
        pipeline=pipeline,
        serialize_data=False)  # collects garbage, which takes long
    arguments.update(kwargs)
    return SegmentDataset(**arguments)
