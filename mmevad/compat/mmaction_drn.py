# Copyright (c) mmevad authors. All rights reserved.
"""The mmaction2 1.2.0 wheel lacks ``mmaction.models.localizers.drn``.

``mmaction.models`` imports it, so nothing of mmaction2 could be used. The
stand-in holds a ``DRN`` that is registered but says what is wrong when built.
"""
import os
from types import ModuleType

from .import_hooks import provide
from .report import Report, module_folder

PACKAGE = 'mmaction.models.localizers.drn'


def is_missing() -> bool:
    """Whether the installed mmaction2 imports the folder but lacks it."""
    mmaction = module_folder('mmaction')
    if mmaction is None:
        return False
    localizers = os.path.join(mmaction, 'models', 'localizers')
    init = os.path.join(localizers, '__init__.py')
    if not os.path.isfile(init):
        return False
    with open(init, encoding='utf-8') as file:
        wanted = '.drn' in file.read()
    return wanted and not os.path.isdir(os.path.join(localizers, 'drn'))


def _fill(module: ModuleType) -> None:
    from mmaction.registry import MODELS
    from mmengine.model import BaseModel

    class DRN(BaseModel):
        """Takes the place of the localizer that the wheel forgot."""

        def __init__(self, *args, **kwargs) -> None:
            raise ImportError(
                'DRN is not in the published mmaction2 1.2.0 wheel; install '
                'mmaction2 from its source repository to use it.')

        def forward(self, *args, **kwargs):
            raise NotImplementedError

    DRN.__module__ = module.__name__
    MODELS.register_module(module=DRN)
    module.DRN = DRN


def apply() -> Report:
    name = 'mmaction.models.localizers.drn is missing'
    if not is_missing():
        return Report(name, False, 'nothing')
    provide(PACKAGE, lambda module: None)
    provide(f'{PACKAGE}.drn', _fill)
    return Report(name, True, 'an importable DRN that says so when built')
