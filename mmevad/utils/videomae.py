# Copyright (c) mmevad authors. All rights reserved.
"""Reading VideoMAE backbones by name, with a report."""
from typing import List, NamedTuple

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmevad.converters.conversion import Conversion, first_ten, misfits
from mmevad.converters.videomae import NAMES, POSITIONS, rename_videomae_state
from .checkpoint_file import find_weights, read_checkpoint
from .errors import CheckpointError

KEYS = ('state_dict', 'model', 'module')
# the last LayerNorm is not in every file
_OPTIONAL = r'(cls_token$|norm\.)'


class LoadReport(NamedTuple):
    """What was and was not loaded; names are the model's."""
    loaded: List[str]
    missing: List[str]
    unused: List[str]

    def __str__(self) -> str:
        return (f'loaded {len(self.loaded)} tensors; not in the file, kept '
                f'as initialised: {self.missing or "none"}; in the file, not '
                f'used: {self.unused or "none"}')


def fit_videomae(backbone: nn.Module, conversion: Conversion,
                 source: str) -> Conversion:
    """Compare a renamed file with a backbone.

    Args:
        backbone (nn.Module): A :class:`KeyframeTokenPruneViT`.
        conversion (Conversion): Of :func:`rename_videomae_state`.
        source (str): Name of the file, for messages.

    Returns:
        Conversion: Without the positions, which the backbone computes.

    Raises:
        CheckpointError: If weights of a block are missing, superfluous or of
            another shape, or if positions were learned; names the first ten
            with both shapes.
    """
    state, table = dict(conversion.state_dict), backbone.position.table
    positions = state.pop(POSITIONS, None)
    conversion = conversion._replace(state_dict=state)
    wrong = misfits(conversion, backbone.state_dict(), NAMES, _OPTIONAL)
    if positions is not None and not _same_table(positions, table):
        wrong.append(f'{POSITIONS} is not the fixed sine-cosine table of '
                     f'{tuple(table.shape)}')
    if wrong:
        raise CheckpointError(f'the backbone in {source} does not fit, '
                              f'{len(wrong)} tensors: {first_ten(wrong)}')
    return conversion


def _same_table(positions: Tensor, table: Tensor) -> bool:
    return positions.shape == table.shape and torch.allclose(
        positions.float(), table.cpu(), atol=1e-4)


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
        CheckpointError: If the file cannot be read or does not fit, see
            :func:`fit_videomae`.
    """
    weights = find_weights(read_checkpoint(path), path, KEYS)
    conversion = fit_videomae(backbone, rename_videomae_state(weights.tensors),
                              path)
    found = conversion.state_dict
    backbone.load_state_dict(found, strict=False)
    own = list(backbone.state_dict())
    report = LoadReport([k for k in own if k in found],
                        [k for k in own if k not in found],
                        conversion.left_out)
    print_log(f'VideoMAE backbone {path}: {report}', logger='current')
    return report
