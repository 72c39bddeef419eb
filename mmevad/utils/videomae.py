# Copyright (c) mmevad authors. All rights reserved.
"""Reading VideoMAE backbones by name, with a report."""
import re
from typing import Dict, List, NamedTuple

import torch
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from .errors import CheckpointError

# mmaction2's names on the right; the authors' (v1 and v2) on the left
_RENAMES = ((r'^(module\.|backbone\.|encoder\.)+',
             ''), (r'^patch_embed\.proj\.', 'patch_embed.projection.'),
            (r'\.mlp\.fc1\.', '.mlp.layers.0.0.'),
            (r'\.mlp\.fc2\.', '.mlp.layers.1.'), (r'^fc_norm\.', 'norm.'))


class LoadReport(NamedTuple):
    """What was and was not loaded; names are the model's."""
    loaded: List[str]
    missing: List[str]
    unused: List[str]

    def __str__(self) -> str:
        return (f'loaded {len(self.loaded)} tensors; not in the file, kept '
                f'as initialised: {self.missing or "none"}; in the file, not '
                f'used: {self.unused or "none"}')


def rename_videomae(state: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Names of a VideoMAE file (v1, v2, mmaction2) -> those of our ViT."""
    renamed = {}
    for key, value in state.items():
        for pattern, name in _RENAMES:
            key = re.sub(pattern, name, key)
        renamed[key] = value
    return renamed


def read_state_dict(path: str) -> Dict[str, Tensor]:
    """Tensors of a checkpoint: bare or under state_dict, model or module.

    Raises:
        CheckpointError: If the file cannot be read or holds no tensors.
    """
    try:
        state = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    except Exception as error:
        raise CheckpointError(
            f'cannot read the checkpoint {path}: {error}') from error
    for name in ('state_dict', 'model', 'module'):
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    tensors = {
        k: v
        for k, v in getattr(state, 'items', dict)() if isinstance(v, Tensor)
    }
    if not tensors:
        raise CheckpointError(f'the checkpoint {path} holds no tensors, '
                              'neither at its top level nor under '
                              'state_dict, model or module')
    return tensors


def load_videomae(backbone: nn.Module, path: str) -> LoadReport:
    """Load a VideoMAE file into a :class:`KeyframeTokenPruneViT`.

    Args:
        backbone (nn.Module): Changed in place, once the file is known to
            fit.
        path (str): Path or URL of mmaction2's or the authors' file
            (pretrained or fine-tuned, v1 or v2).

    Returns:
        LoadReport: Also logged.

    Raises:
        CheckpointError: If weights of a block are missing, superfluous or of
            another shape, or if positions were learned.
    """
    found = rename_videomae(read_state_dict(path))
    own = backbone.state_dict()
    missing = [k for k in own if k not in found]
    unused = [k for k in found if k not in own]
    wrong = [
        f'{k} {tuple(found[k].shape)} instead of {tuple(own[k].shape)}'
        for k in own if k in found and found[k].shape != own[k].shape
    ]
    wrong += [
        f'{k} missing' for k in missing
        if k != 'cls_token' and not k.startswith('norm.')
    ]
    wrong += [
        f'{k} too many' for k in unused
        if k.startswith(('blocks.', 'patch_embed.'))
    ]
    table = found.get('pos_embed')
    if table is not None and not (
            table.shape == backbone.position.table.shape and torch.allclose(
                table.float(), backbone.position.table.cpu(), atol=1e-4)):
        wrong.append('pos_embed is not the fixed sine-cosine table of '
                     f'{tuple(backbone.position.table.shape)}')
    if wrong:
        raise CheckpointError(
            f'the backbone in {path} does not fit: ' + '; '.join(wrong[:10]) +
            (f'; and {len(wrong) - 10} more' if len(wrong) > 10 else ''))
    backbone.load_state_dict({k: found[k] for k in own if k in found}, False)
    report = LoadReport([k for k in own if k in found], missing, unused)
    print_log(f'VideoMAE backbone {path}: {report}', logger='current')
    return report
