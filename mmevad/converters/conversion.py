# Copyright (c) mmevad authors. All rights reserved.
"""Released state dict -> ours, and what does not fit."""
import re
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional

from torch import Tensor

from .names import NameTable

SHOWN = 10


class Conversion(NamedTuple):
    """A renamed state dict.

    Attributes:
        state_dict (dict[str, Tensor]): Tensors under our names.
        sources (dict[str, str]): Our name -> the name in the file.
        left_out (list[str]): Names in the file that our model computes, or
            has no use for.
        unknown (dict[str, Tensor]): Tensors that nothing is known about.
    """
    state_dict: Dict[str, Tensor]
    sources: Dict[str, str]
    left_out: List[str]
    unknown: Dict[str, Tensor]

    def known(self, kind: str) -> 'Conversion':
        """This, if every tensor is known.

        Args:
            kind (str): Of the checkpoint, for the message.

        Raises:
            KeyError: Otherwise; lists the first ten.
        """
        if self.unknown:
            names = list(self.unknown)
            raise KeyError(f'{len(names)} tensors are not of {kind} '
                           f'checkpoint: {", ".join(names[:SHOWN])}')
        return self


def rename_state(state: Mapping[str, Tensor],
                 names: NameTable,
                 *,
                 left_out: str,
                 prefixes: str = r'(module\.)+',
                 reshape: Optional[Callable] = None) -> Conversion:
    """Rename the tensors of a file.

    Args:
        state (dict[str, Tensor]): Under released names.
        names (NameTable): Released names and ours.
        left_out (str): Pattern of the names to leave out.
        prefixes (str): Pattern taken off the beginning of each name first.
            Defaults to that of DDP.
        reshape (callable, optional): Takes our name and the tensor, returns
            the tensor in our shape.

    Returns:
        Conversion: A tensor that comes a second time, under another prefix,
        counts as unknown.
    """
    result = Conversion({}, {}, [], {})
    for source, value in state.items():
        key = re.sub(f'^{prefixes}', '', source)
        if re.match(left_out, key):
            result.left_out.append(source)
            continue
        try:
            name = names.ours(key)
        except KeyError:
            name = None
        if name is None or name in result.state_dict:
            result.unknown[source] = value
            continue
        result.state_dict[name] = reshape(name, value) if reshape else value
        result.sources[name] = source
    return result


def misfits(conversion: Conversion,
            model: Mapping[str, Tensor],
            names: NameTable,
            optional: str = r'$') -> List[str]:
    """What keeps a conversion from being a model's state dict.

    Args:
        conversion (Conversion): Tensors from a file.
        model (dict[str, Tensor]): State dict of the model.
        names (NameTable): Gives missing tensors their released names.
        optional (str): Pattern of our names that may be missing.

    Returns:
        list[str]: One entry for each offending tensor: name, shape in the
        file and shape in the model. First those that the model does not
        have, then those of another shape, then missing ones.
    """
    found = conversion.state_dict
    extra = dict(conversion.unknown)
    extra.update({
        conversion.sources[name]: value
        for name, value in found.items() if name not in model
    })
    wrong = [
        f'{name} too many, {tuple(value.shape)} found'
        for name, value in extra.items()
    ]
    wrong += [
        f'{conversion.sources[name]} {tuple(found[name].shape)} instead of '
        f'{tuple(value.shape)}' for name, value in model.items()
        if name in found and found[name].shape != value.shape
    ]
    for name, value in model.items():
        if name not in found and not re.match(optional, name):
            wrong.append(f'{_released_or_own(names, name)} missing, '
                         f'{tuple(value.shape)} expected')
    return wrong


def _released_or_own(names: NameTable, name: str) -> str:
    try:
        return names.released(name)
    except KeyError:
        return name


def first_ten(problems: List[str]) -> str:
    """The first ten of a list, and how many there are."""
    more = len(problems) - SHOWN
    return '; '.join(
        problems[:SHOWN]) + (f'; and {more} more' if more > 0 else '')
