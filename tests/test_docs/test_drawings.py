# Copyright (c) mmevad authors. All rights reserved.
"""The shapes in the drawings are those of the models."""
import re

import mmaction.registry
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from .pages import DOCS, ROOT

pytestmark = pytest.mark.slow


def shapes(name):
    """All that is in brackets in a drawing, without the batch."""
    text = (DOCS / f'images/{name}_flow.svg').read_text()
    found = re.findall(r'\(B, ([\w, ]+)\)', text)
    return text, {tuple(x.split(', ')) for x in found}


def build(path):
    init_default_scope('mmaction')
    model = Config.fromfile(ROOT / 'configs' / path).model
    model.get('backbone', {}).pop('init_cfg', None)
    return mmaction.registry.MODELS.build(model).eval()


def text_of(*tensors):
    return {tuple(map(str, x.shape[1:])) for x in tensors}


@torch.no_grad()
def test_evad():
    model = build('evad/evad_vit-base-p16-224_8xb2-16x4x1-12e_ava-v2.2-rgb.py')
    kept = []
    for block in model.backbone.blocks:
        block.mlp.register_forward_hook(
            lambda _, args, out: kept.append(out.size(1)))
    whwh = torch.full((1, 4), 224.)
    clip = torch.zeros(1, 3, 16, 224, 224)
    video = model.backbone(clip)
    pyramid = model.neck(video.keyframe_maps)
    stage = model.actor_head(pyramid, whwh)[-1]
    logits = model.context_decoder(video, stage.boxes, whwh)
    text, drawn = shapes('evad')
    assert drawn == text_of(clip, video.tokens, *video.keyframe_maps, *pyramid,
                            stage.boxes, stage.logits, logits[-1])
    numbers = list(dict.fromkeys(kept))
    assert numbers == [1568, 1098, 769, 539]
    for number in numbers:
        assert f' {number}' in text
    assert video.grid == (8, 14, 14) and '(8, 14, 14)' in text
    assert video.num_protected == 196 and 'the 196 of' in text
    assert len(logits) == 6


@torch.no_grad()
def test_actionformer():
    model = build('actionformer/'
                  'actionformer_i3d_1xb2-2304x4x1-35e_thumos14-feature.py')
    feats = torch.zeros(1, 2048, 2304)
    mask = torch.ones(1, 1, 2304, dtype=torch.bool)
    levels, masks = model.neck(feats, mask)
    logits, distances = model.head(levels, masks)
    text, drawn = shapes('actionformer')
    per_level = {('T_l', str(x[0].size(-1))) for x in (logits, distances)}
    assert drawn == text_of(feats, *levels) | per_level
    assert [x.size(1) for x in logits] == [x.size(-1) for x in levels]
    cfg = model.head.test_cfg
    assert f'best {cfg["pre_nms_topk"]} points' in text
    assert f'at most {cfg["nms"]["max_seg_num"]} a video' in text
    assert model.neck.backbone.windows[0] == 19 and 'windows of 19' in text
