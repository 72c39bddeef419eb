# Copyright (c) mmevad authors. All rights reserved.
"""Make a config small and quick without touching what it is about.

Only width and depth of the model, batch size, workers and epochs change: the
pipeline, datasets, samplers, evaluators, schedules, hooks, the number of
levels, pruning blocks, maps and classes, and all paths are the config's own.
"""
from typing import Callable, Dict

from mmengine.config import Config, ConfigDict

WIDTH = 32


def shrink_evad(model: ConfigDict) -> None:
    """Each pruning block keeps its place: at least one block before it."""
    backbone, decoder = model.backbone, model.context_decoder
    maps, prunes = len(backbone.out_indices), len(backbone.prune_blocks)
    backbone.update(
        embed_dims=WIDTH,
        num_heads=1,
        depth=max(maps, prunes + 1),
        out_indices=tuple(range(maps)),
        prune_blocks=tuple(range(1, prunes + 1)))
    model.neck.update(in_channels=[WIDTH] * maps, out_channels=WIDTH)
    model.actor_head.update(
        num_queries=5,
        num_stages=2,
        channels=WIDTH,
        num_heads=2,
        feedforward_channels=WIDTH,
        dynamic_channels=4)
    decoder.update(
        in_channels=WIDTH,
        embed_dims=WIDTH,
        num_heads=2,
        depth=min(2, decoder.depth),
        fc_channels=WIDTH)


def shrink_actionformer(model: ConfigDict) -> None:
    """``in_channels`` stays that of the features."""
    model.neck.embed_dims = WIDTH
    model.head.update(in_channels=WIDTH, feat_channels=WIDTH)


SHRINKERS: Dict[str, Callable[[ConfigDict], None]] = dict(
    EVAD=shrink_evad, ActionFormer=shrink_actionformer)


def shrink(cfg: Config) -> Config:
    """Shrink the model and run one short epoch, in place.

    Raises:
        KeyError: If there is no rule for a model of this type.
    """
    SHRINKERS[cfg.model.type](cfg.model)
    for part in ('train', 'val', 'test'):
        loader = cfg[f'{part}_dataloader']
        loader.update(
            batch_size=min(2, loader.batch_size),
            num_workers=0,
            persistent_workers=False)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    return cfg
