# Copyright (c) mmevad authors. All rights reserved.
"""Pictures of what an EVAD keeps and what its actors look at.

Two for each clip: the tokens left after each pruning layer on the frames (fig.
4 and 11 of the paper), and the attention of the surest actors over these
tokens in the context decoder (fig. 12).
"""
import argparse
import os
import sys
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip
import cv2
import numpy as np
import torch

from mmevad.models.evad.keyframe import find_keyframe
from mmevad.utils.errors import CheckpointError, DataError
from mmevad.visualization import (distinct_color, draw_actor_attention,
                                  draw_kept_tokens)
from mmevad.visualization.model_inputs import (Batch, build_split,
                                               choose_items, img_shapes,
                                               load_evad, preprocess)
from mmevad.visualization.naming import picture_path, sample_name
from mmevad.visualization.samples import clip_images
from mmevad.visualization.token_probe import (probe_actor_attention,
                                              probe_kept_tokens)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'config', help='config file of an EVAD, or its name in the zoo')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='test')
    parser.add_argument(
        '--items',
        type=int,
        nargs='+',
        default=(0, ),
        help='numbers of the clips in the split, from 0')
    parser.add_argument(
        '--keep-rate', type=float, help="instead of the config's")
    parser.add_argument(
        '--actors', type=int, default=3, help='most actors in a picture')
    parser.add_argument(
        '--block',
        type=int,
        default=-1,
        help='block of the context decoder; -1, the last, by default')
    parser.add_argument('--out-dir', default='outputs/token_maps')
    parser.add_argument('--device', help='by default CUDA if there is any')
    return parser.parse_args(argv)


def draw_kept(model: torch.nn.Module, batch: Batch, images: np.ndarray,
              title: str) -> np.ndarray:
    """Grid of pruning layers for a batch of one."""
    kept = probe_kept_tokens(model.backbone, batch.inputs,
                             img_shapes(batch.samples))
    return draw_kept_tokens(images, kept.kept[:, 0].cpu().numpy(), kept.names,
                            _keyframe(model, images),
                            model.backbone.patch_size, title)


def draw_attention(model: torch.nn.Module, batch: Batch, images: np.ndarray,
                   title: str, classes: List[str], most: int,
                   block: int) -> np.ndarray:
    """Grid of the surest actors for a batch of one."""
    found = probe_actor_attention(model, batch.inputs, batch.samples, block)
    order = found.person_scores[0].argsort(descending=True)[:most]
    sure = found.person_scores[0, order] >= model.person_score_thr
    order = order[sure] if sure.any() else order[:1]
    captions, colors = [], []
    for i in order.tolist():
        scores = found.scores[0, i]
        best = scores.topk(min(2, len(scores)))
        actions = ', '.join(
            f'{classes[k]} {score:.2f}'
            for score, k in zip(best.values.tolist(), best.indices.tolist()))
        weights = found.tokens[0, i]
        captions.append(f'person {found.person_scores[0, i]:.2f}, {actions}; '
                        f'{100 * weights.sum():.0f} % of the attention on '
                        f'tokens, {100 * weights.max():.1f} % on one (red)')
        colors.append(distinct_color(len(colors)))
    return draw_actor_attention(images, found.tokens[0, order].cpu().numpy(),
                                found.kept[0].cpu().numpy(),
                                found.boxes[0, order].cpu().numpy(), captions,
                                colors, _keyframe(model, images),
                                model.backbone.patch_size, title)


def _keyframe(model: torch.nn.Module, images: np.ndarray) -> int:
    backbone = model.backbone
    return find_keyframe(
        len(images), backbone.tubelet_size, backbone.keyframe_index)[1]


def run(args: argparse.Namespace) -> List[str]:
    """Draw, and return the paths of the pictures."""
    cfg, model, classes = load_evad(args.config, args.checkpoint, args.device,
                                    args.keep_rate)
    items = choose_items(build_split(cfg, args.split), args.items)
    os.makedirs(args.out_dir, exist_ok=True)
    paths = []
    for item in items:
        batch = preprocess(model, [item])
        images = clip_images(batch.raw[0])
        name = sample_name(batch.samples[0])
        pictures = dict(
            kept=draw_kept(model, batch, images, f'{name}: tokens kept'),
            attention=draw_attention(model, batch, images,
                                     f'{name}: what actors attend to', classes,
                                     args.actors, args.block))
        for kind, picture in pictures.items():
            paths.append(picture_path(args.out_dir, name, f'_{kind}'))
            if not cv2.imwrite(paths[-1], picture):
                raise DataError(f'{paths[-1]} cannot be written.')
    return paths


def main(argv: Optional[List[str]] = None) -> List[str]:
    args = parse_args(argv)
    try:
        paths = run(args)
    except (CheckpointError, DataError, ValueError) as error:
        sys.exit(f'error: {error}')
    print('Wrote ' + ', '.join(paths))
    return paths


if __name__ == '__main__':
    main()
