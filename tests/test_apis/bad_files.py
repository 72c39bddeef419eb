# Copyright (c) mmevad authors. All rights reserved.
"""Files of both demos that are wrong, each in its own way."""
import wave
from pathlib import Path

import cv2
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from tests.test_configs.shrink import shrink
from .recognizers import SLOWONLY, make_config, write_weights
from .small import CONFIG, NAMES, frames, write_folder, write_video
from .tal import CHANNELS, make_tal_config, write_tal_weights


def write_models(root: Path) -> None:
    """Configs and checkpoints; some are not what they should be."""
    make_tal_config().dump(str(root / 'tal.py'))
    write_tal_weights(root / 'tal.pth', make_tal_config())
    make_config(SLOWONLY).dump(str(root / 'slow.py'))
    write_weights(root / 'slow.pth', make_config(SLOWONLY))
    cfg = shrink(Config.fromfile(CONFIG))
    cfg.dump(str(root / 'evad.py'))
    torch.save(
        dict(
            meta=dict(dataset_meta=dict(classes=NAMES)),
            state_dict=MODELS.build(cfg.model).state_dict()),
        root / 'evad.pth')
    (root / 'zero.pth').write_bytes(b'')
    for kind in ('tal', 'evad'):
        checkpoint = torch.load(root / f'{kind}.pth', weights_only=False)
        name = list(checkpoint['state_dict'])[3]
        checkpoint['state_dict'][name].fill_(float('nan'))
        torch.save(checkpoint, root / f'{kind}_nan.pth')
    (root / 'broken.py').write_text('model = dict(type="EVAD"\n')
    (root / 'empty.py').write_text('')
    (root / 'unknown.py').write_text(
        'model = dict(type="Nope")\ntest_dataloader = dict(dataset=dict(\n'
        '    type="X", pipeline=[dict(type="SampleAVAFrames", clip_len=8,\n'
        '                             frame_interval=2)]))\n')


def write_videos(root: Path) -> None:
    """One good video; the others are damaged, empty, too small or short."""
    images = frames()
    write_video(root / 'clip.mp4', images)
    good = (root / 'clip.mp4').read_bytes()
    quarter = len(good) // 4
    noise = np.random.default_rng(0).bytes(2 * quarter)
    (root / 'holes.mp4').write_bytes(good[:quarter] + noise +
                                     good[3 * quarter:])
    (root / 'cut.mp4').write_bytes(good[:2 * quarter])
    (root / 'zero.mp4').write_bytes(b'')
    (root / 'text.mp4').write_text('no video')
    with wave.open(str(root / 'sound.wav'), 'wb') as file:
        file.setparams((1, 2, 8000, 0, 'NONE', ''))
        file.writeframes(bytes(8000))
    cv2.imwrite(str(root / 'image.png'), images[0])
    write_folder(root / 'tiny', np.zeros((30, 1, 1, 3), np.uint8))
    write_folder(root / 'short', images[:5])
    write_folder(root / 'portrait', images.swapaxes(1, 2))
    write_folder(root / 'sizes', images[:20])
    cv2.imwrite(str(root / 'sizes/img_9.png'), images[0][:50])
    write_folder(root / 'hurt', images[:20])
    (root / 'hurt/img_5.png').write_bytes(b'no image')
    (root / 'empty').mkdir()


def write_features(root: Path) -> None:
    """Features of another width, with NaN, of another shape, of none."""
    good = np.ones((20, CHANNELS), np.float32)
    bad = good.copy()
    bad[3, 3] = np.nan
    for name, array in dict(
            good=good,
            nan=bad,
            wide=np.ones((9, 7)),
            flat=good[0],
            none=good[:0],
            words=np.full((9, CHANNELS), 'x')).items():
        np.save(root / f'{name}.npy', array)
    np.save(root / 'object.npy', np.array([[{}]]), allow_pickle=True)
    for name in ('junk.npy', 'junk.h5', 'junk.pt'):
        (root / name).write_bytes(b'junk' * 99)
    (root / 'zero.npy').write_bytes(b'')


def write_all(root: Path) -> Path:
    """All of the above."""
    write_models(root)
    write_videos(root)
    write_features(root)
    return root
