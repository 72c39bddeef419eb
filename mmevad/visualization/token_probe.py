# Copyright (c) mmevad authors. All rights reserved.
"""What an EVAD keeps and looks at: read from a model, without changing it."""
from contextlib import contextmanager
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from mmevad.models.evad.actor_head import PERSON
from mmevad.models.evad.structures import VideoTokens
from mmevad.models.evad.token_pruning import order_tokens


class KeptTokens(NamedTuple):
    """Tokens that are left after each pruning layer.

    Attributes:
        names (list[str]): Of the L layers: 'block 3', or 'start' for all
            tokens there are.
        kept (Tensor): (L, B, t, h, w) bool.
    """
    names: List[str]
    kept: Tensor


class ActorAttention(NamedTuple):
    """Attention of all actors in one block of the context decoder.

    Attributes:
        tokens (Tensor): (B, n, t, h, w), of each actor over the full map,
            mean over heads; 0 where a token was dropped. With ``actors`` it
            sums to 1.
        actors (Tensor): (B, n, n), of each actor over all of them.
        kept (Tensor): (B, t, h, w) bool.
        boxes (Tensor): (B, n, 4) xyxy in pixels of the clip.
        person_scores (Tensor): (B, n).
        scores (Tensor): (B, n, classes), of actions.
    """
    tokens: Tensor
    actors: Tensor
    kept: Tensor
    boxes: Tensor
    person_scores: Tensor
    scores: Tensor


def kept_map(video: VideoTokens) -> Tensor:
    """(B, t, h, w) bool, True where a token survived."""
    places = video.grid[0] * video.grid[1] * video.grid[2]
    count = torch.ones_like(video.ids)
    if video.valid is not None:
        count = video.valid.to(video.ids)
    full = video.ids.new_zeros((len(video.ids), places))
    return full.scatter_add_(1, video.ids, count).unflatten(1, video.grid) > 0


@contextmanager
def keep_rates(backbone: nn.Module, rates: Dict[int, float]) -> Iterator[None]:
    """Let a :class:`KeyframeTokenPruneViT` prune otherwise for a while.

    Args:
        backbone (nn.Module): The backbone.
        rates (dict): Keep rate of each pruning block.
    """
    before, backbone.keep_rates = backbone.keep_rates, dict(rates)
    try:
        yield
    finally:
        backbone.keep_rates = before


@torch.no_grad()
def probe_kept_tokens(backbone: nn.Module, inputs: Tensor,
                      img_shapes: Sequence[Tuple[int, int]]) -> KeptTokens:
    """Tokens left at the start and after each pruning layer.

    What a layer keeps depends only on what comes before it, so the backbone
    runs once for each layer, as if it were the last that prunes. The selector
    'random', which drops everything at once before block 0, has one layer.

    Args:
        backbone (nn.Module): :class:`KeyframeTokenPruneViT`, in eval mode.
        inputs (Tensor): (B, 3, T, H, W), normalised and padded.
        img_shapes (list[tuple[int]]): Unpadded (height, width).
    """
    rates = list(backbone.keep_rates.items())
    counts = range(len(rates) + 1)
    if backbone.selector == 'random':
        counts = (0, len(rates))
    names, maps = [], []
    for count in counts:
        with keep_rates(backbone, dict(rates[:count])):
            maps.append(kept_map(backbone(inputs, img_shapes)))
        name = 'start' if not count else f'block {rates[count - 1][0]}'
        names.append(name)
    if backbone.selector == 'random':
        names[-1] = 'random choice'
    return KeptTokens(names, torch.stack(maps))


class _Recorder:
    """Keeps the attention map that a block computes.

    Args:
        block (int): Of the decoder.
    """

    def __init__(self, model: nn.Module, block: int) -> None:
        self.weights: Optional[Tensor] = None
        self.video: Optional[VideoTokens] = None
        self.handles = [
            model.backbone.register_forward_hook(self._see_video),
            model.context_decoder.blocks[block].attn.register_forward_pre_hook(
                self._attend_visibly)
        ]

    def _see_video(self, module: nn.Module, args: tuple,
                   video: VideoTokens) -> None:
        self.video = video

    def _attend_visibly(self, module: nn.Module, args: tuple) -> tuple:
        x, mask = (*args, None)[:2]
        return x, mask, self._attention

    def _attention(self, q: Tensor, k: Tensor, v: Tensor, scale: float,
                   key_mask: Optional[Tensor]) -> Tuple[Tensor, None]:
        logits = (q @ k.mT) * scale
        if key_mask is not None:
            logits = logits.masked_fill(~key_mask[:, None, None],
                                        float('-inf'))
        weights = logits.softmax(-1)
        self.weights = weights.mean(1)
        return weights @ v, None

    def remove(self) -> None:
        """Let the model be."""
        for handle in self.handles:
            handle.remove()


@torch.no_grad()
def probe_actor_attention(model: nn.Module,
                          inputs: Tensor,
                          data_samples: Sequence[ActionDataSample],
                          block: int = -1) -> ActorAttention:
    """What the actors attend to in a block of the context decoder.

    Args:
        model (nn.Module): :class:`EVAD`, in eval mode.
        inputs (Tensor): (B, 3, T, H, W), normalised and padded.
        data_samples (list[ActionDataSample]): With ``img_shape``.
        block (int): Of the decoder. Defaults to -1, the last.
    """
    recorder = _Recorder(model, block)
    try:
        persons, boxes, scores = model(inputs, data_samples, mode='tensor')
    finally:
        recorder.remove()
    video, num = recorder.video, boxes.size(1)
    weights = recorder.weights[:, -num:]
    # tokens lie as the decoder got them
    places, size = video.ids, video.grid[0] * video.grid[1] * video.grid[2]
    if model.context_decoder.token_order == 'position':
        if video.valid is not None:  # sorts behind all others
            places = places.masked_fill(~video.valid, size)
        places = order_tokens(video.tokens, places, video.num_protected,
                              'position')[1].clamp(max=size - 1)
    full = weights.new_zeros((len(weights), num, size))
    index = places[:, None].expand(-1, num, -1)
    full.scatter_add_(2, index, weights[..., :-num])
    return ActorAttention(
        full.unflatten(2, video.grid), weights[..., -num:], kept_map(video),
        boxes,
        persons.float().softmax(-1)[..., PERSON],
        scores.float().sigmoid())
