# Copyright (c) mmevad authors. All rights reserved.
"""Tokens on the frames of a clip: which are kept, which are attended to."""
from typing import List, Optional, Sequence

import cv2
import numpy as np

from .canvas import Color, draw_text, tile_grid

_WHITE = (255, 255, 255)
_DROPPED = .2  # brightness of what is not there any more
_WIDTH = 1280  # of all slices together, in pixels
_TILE = 320  # of one, at most
_GAP = 4


def spread_tokens(values: np.ndarray, patch_size: int,
                  image_size: Sequence[int]) -> np.ndarray:
    """Values of tokens -> values of pixels.

    Args:
        values (np.ndarray): (t, h, w).
        patch_size (int): Pixels of a token's side.
        image_size (tuple[int]): Unpadded height and width.

    Returns:
        np.ndarray: (t, H, W).
    """
    pixels = values.repeat(patch_size, 1).repeat(patch_size, 2)
    return pixels[:, :image_size[0], :image_size[1]]


def slice_images(images: np.ndarray, slices: int) -> np.ndarray:
    """The first frame (H, W, 3) of each of the ``slices`` tubelets.

    The keyframe, in the middle of a clip, is the first of its own.
    """
    return images[::len(images) // slices]


def darken(images: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Frames (t, H, W, 3) uint8, dark where ``kept`` (t, H, W) is False."""
    shade = np.where(kept, 1., _DROPPED)[..., None]
    return (images * shade).round().astype(np.uint8)


def heat(images: np.ndarray, share: np.ndarray,
         kept: np.ndarray) -> np.ndarray:
    """Frames with a glow.

    Args:
        images (np.ndarray): (t, H, W, 3) uint8 BGR.
        share (np.ndarray): (t, H, W) in [0, 1].
        kept (np.ndarray): (t, H, W) bool; the rest is dark.
    """
    grey = images.mean(-1, keepdims=True) * np.where(kept, .75, .15)[..., None]
    # the last colours of the map are dark again
    levels = (share * 228).round().astype(np.uint8)
    glow = np.stack([cv2.applyColorMap(x, cv2.COLORMAP_JET) for x in levels])
    weight = .8 * np.sqrt(share)[..., None]
    return (grey * (1 - weight) + glow * weight).round().astype(np.uint8)


def _row(
    images: Sequence[np.ndarray],
    texts: Optional[Sequence[str]] = None,
    boxes: Sequence[Sequence[np.ndarray]] = (),
    colors: Sequence[Color] = ()
) -> np.ndarray:
    """Frames side by side, with boxes and a text each."""
    height, width = images[0].shape[:2]
    scale = min(_TILE, _WIDTH // len(images)) / width
    tiles = []
    for i, image in enumerate(images):
        tile = cv2.resize(
            image, (round(width * scale), round(height * scale)),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        if boxes:
            for box, color in zip(boxes[i], colors):
                x1, y1, x2, y2 = (np.asarray(box) * scale).round().astype(int)
                cv2.rectangle(tile, (int(x1), int(y1)), (int(x2), int(y2)),
                              color, 2)
        if texts:
            draw_text(tile, texts[i], (3, 14), _WHITE, .42)
        tiles += [tile, np.full((len(tile), _GAP, 3), 30, np.uint8)]
    return np.hstack(tiles[:-1])


def _slice_texts(frames: int, slices: int, keyframe: int) -> List[str]:
    size = frames // slices
    return [
        f'frame {i * size}' + (', keyframe' if i == keyframe else '')
        for i in range(slices)
    ]


def draw_kept_tokens(images: np.ndarray,
                     kept: np.ndarray,
                     names: Sequence[str],
                     keyframe: int,
                     patch_size: int = 16,
                     title: str = '') -> np.ndarray:
    """A grid of time slices x pruning layers; dropped tokens are dark.

    EVAD (arXiv 2304.08451), fig. 4 and 11.

    Args:
        images (np.ndarray): Clip (T, H, W, 3) uint8 BGR, unpadded.
        kept (np.ndarray): (L, t, h, w) bool, see :class:`KeptTokens`.
        names (list[str]): Of the L layers.
        keyframe (int): Its slice.
        patch_size (int): Pixels of a token's side. Defaults to 16.
        title (str): Defaults to ''.

    Returns:
        np.ndarray: (H', W', 3) uint8 BGR.
    """
    slices = kept.shape[1]
    shown = slice_images(images, slices)
    rows, captions = [], []
    for i, (name, layer) in enumerate(zip(names, kept)):
        mask = spread_tokens(layer, patch_size, images.shape[1:3])
        texts = None if i else _slice_texts(len(images), slices, keyframe)
        rows.append(_row(darken(shown, mask), texts))
        captions.append(f'{name}: {layer.sum()} of {layer.size} tokens, '
                        f'{100 * layer.mean():.0f} %')
    return tile_grid(rows, 1, title, captions)


def draw_actor_attention(images: np.ndarray,
                         attention: np.ndarray,
                         kept: np.ndarray,
                         boxes: np.ndarray,
                         captions: Sequence[str],
                         colors: Sequence[Color],
                         keyframe: int,
                         patch_size: int = 16,
                         title: str = '') -> np.ndarray:
    """A grid of time slices x actors; what an actor attends to glows.

    EVAD (arXiv 2304.08451), fig. 12. Each actor has a scale of its own, up
    to its most attended token.

    Args:
        images (np.ndarray): Clip (T, H, W, 3) uint8 BGR, unpadded.
        attention (np.ndarray): (n, t, h, w), see :class:`ActorAttention`.
        kept (np.ndarray): (t, h, w) bool; dropped tokens are dark.
        boxes (np.ndarray): (n, 4) xyxy in pixels of the clip, drawn on the
            keyframe.
        captions (list[str]): Of the n actors.
        colors (list[tuple]): BGR, of the n actors.
        keyframe (int): Its slice.
        patch_size (int): Pixels of a token's side. Defaults to 16.
        title (str): Defaults to ''.

    Returns:
        np.ndarray: (H', W', 3) uint8 BGR.
    """
    slices, size = len(kept), images.shape[1:3]
    shown = slice_images(images, slices)
    mask = spread_tokens(kept, patch_size, size)
    places = [boxes if i == keyframe else [] for i in range(slices)]
    texts = _slice_texts(len(images), slices, keyframe)
    rows = [_row(shown, texts, places, colors)]
    for i, weights in enumerate(attention):
        share = spread_tokens(weights / max(weights.max(), 1e-12), patch_size,
                              size)
        own = [x[i:i + 1] for x in places]
        rows.append(_row(heat(shown, share, mask), None, own, colors[i:i + 1]))
    return tile_grid(rows, 1, title, ['frames', *captions])
