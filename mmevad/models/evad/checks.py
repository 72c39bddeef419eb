# Copyright (c) mmevad authors. All rights reserved.
"""Sizes of EVAD's transformers that do not go together."""

from mmevad.utils.ranges import MAX_SIZE

# beyond it, the position table alone takes more than 1 GB
_MAX_TABLE = 2**27


def check_grid(img_size: int, patch_size: int, num_frames: int,
               tubelet_size: int, embed_dims: int) -> None:
    """The grid of tokens that the position table is made for.

    Raises:
        ValueError: If it has no token, or far too many.
    """
    if img_size < patch_size:
        raise ValueError(f'img_size={img_size} is less than '
                         f'patch_size={patch_size}')
    if num_frames < tubelet_size:
        raise ValueError(f'num_frames={num_frames} is less than '
                         f'tubelet_size={tubelet_size}')
    tokens = num_frames // tubelet_size * (img_size // patch_size)**2
    if tokens * embed_dims > _MAX_TABLE:
        raise ValueError(
            f'img_size={img_size}, patch_size={patch_size}, num_frames='
            f'{num_frames} and tubelet_size={tubelet_size} give {tokens} '
            f'tokens of embed_dims={embed_dims}, too many for a position '
            'table')


def check_mlp(embed_dims: int, mlp_ratio: float) -> None:
    """Hidden width of a block.

    Raises:
        ValueError: If it is none, or far too wide.
    """
    if not 1 <= embed_dims * mlp_ratio <= MAX_SIZE:
        raise ValueError(
            f'mlp_ratio={mlp_ratio} times embed_dims={embed_dims} must be '
            f'from 1 to {MAX_SIZE}')
