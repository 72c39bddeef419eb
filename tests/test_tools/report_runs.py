# Copyright (c) mmevad authors. All rights reserved.
"""Small run folders as training, testing and the demos leave them."""
import json

import cv2

from tests.test_apis.small import FPS, HEIGHT, LENGTH, WIDTH, frames
from .evad_clips import BOXES, make_clips

HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror=hacked>'
STAMP = '20260101_000000'
# start, end, label, score
SEGMENTS = ((.4, .96, 'run', .9), (.48, 1.6, 'run', .4), (1.2, 2., HOSTILE,
                                                          .7))
TRUTH = ((.4, 1.04, 'run'), (1.28, 2., HOSTILE))
CONFIG = """
default_scope = 'mmaction'
model = dict(type='ActionFormer')
test_dataloader = dict(dataset=dict(
    type='SegmentDataset', ann_file={ann!r}, data_prefix=dict(feat='none'),
    metainfo=dict(classes={classes!r}),
    feat_stride=2, num_frames=4, subset='test', test_mode=True, pipeline=[]))
"""


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return str(path)


def write_webm(path):
    """The video of tests/test_apis/small.py in a codec of browsers."""
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*'VP80'), FPS,
        (WIDTH, HEIGHT))
    for image in frames():
        writer.write(image)
    writer.release()


def write_logs(run, evaluations=2):
    """50 entries of a training, and evaluations."""
    folder = run / STAMP / 'vis_data'
    folder.mkdir(parents=True)
    rows = []
    for i in range(1, 51):
        rows.append(
            dict(lr=.1, loss=5 / i, loss_cls=2 / i, time=.2, step=i * 10))
        if i % 25 == 0 and len(rows) // 25 <= evaluations:
            rows.append({'mAP': i / 100, 'mAP@0.50': i / 90, 'step': i // 25})
    path = folder / 'scalars.json'
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def write_test_metrics(run, **metrics):
    (run / STAMP).mkdir(parents=True)
    (run / STAMP / f'{STAMP}.log').write_text('')
    return write_json(run / STAMP / f'{STAMP}.json', metrics)


def actor(box, score, **actions):
    x1, y1, x2, y2 = box
    return dict(
        box=[x1 * WIDTH, y1 * HEIGHT, x2 * WIDTH, y2 * HEIGHT],
        person_score=score,
        actions=actions)


def evad_json(**changes):
    """What demo/evad_demo.py writes about v.mp4."""
    keyframes = [
        (7, [actor(BOXES[0], .9, Biking=.8, Fencing=.35)]),
        (19, [actor(BOXES[0], .8, Biking=.6),
              actor(BOXES[1], .7, Fencing=.9)])
    ]
    return dict(
        dict(
            video='v.mp4',
            width=WIDTH,
            height=HEIGHT,
            fps=FPS,
            num_frames=LENGTH,
            keyframes=[
                dict(time=frame / FPS, frame=frame, actors=actors)
                for frame, actors in keyframes
            ]), **changes)


def make_evad_run(root):
    """Folder of a demo, with config and checkpoint for ground truth."""
    config, checkpoint = make_clips(root)
    run = root / 'run'
    write_json(run / 'v.json', evad_json())
    write_logs(run)
    return str(run), config, checkpoint


def make_tal_run(root):
    """Work directory of a test with SegmentMAP's dump, and the video."""
    annotations = [
        dict(segment=[start, end], label=label) for start, end, label in TRUTH
    ]
    ann = write_json(
        root / 'truth.json',
        dict(
            database=dict(
                w=dict(
                    subset='test',
                    duration=LENGTH / FPS,
                    fps=FPS,
                    annotations=annotations))))
    run = root / 'run'
    results = [
        dict(segment=[start, end], label=label, score=score)
        for start, end, label, score in SEGMENTS
    ]
    write_json(run / 'dump.json', dict(results=dict(w=results)))
    write_test_metrics(
        run, **{
            'mAP': .5,
            'AP/run': .75,
            f'AP/{HOSTILE}': .25,
            'time': 1.
        })
    (run / 'config.py').write_text(
        CONFIG.format(ann=ann, classes=['run', HOSTILE]))
    write_webm(root / 'w.webm')
    return str(run), str(root / 'w.webm')
