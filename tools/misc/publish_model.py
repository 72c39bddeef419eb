# Copyright (c) mmevad authors. All rights reserved.
"""Strip a checkpoint to what inference needs, and name it for the zoo.

    python tools/misc/publish_model.py work_dirs/X/best.pth zoo --compress

Only the weights, the names of the classes and what converted weights require
stay: no optimiser, no history, no machine's paths. In a folder the file is
called {config}_{yyyymmdd}-{hash}.pth: the config and the day that are in the
checkpoint, and the first 8 digits of the file's SHA-256. The same input gives
the same file.
"""
import argparse
import hashlib
import io
import os.path as osp
import re
import zipfile
from typing import List, Optional

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmevad.utils.atomic_file import atomic_file
from mmevad.utils.checkpoint import check_checkpoint, weights_of
from mmevad.utils.checkpoint_file import read_checkpoint
from mmevad.utils.errors import CheckpointError, DataError
from mmevad.utils.zoo import find_config, zoo_root, zoo_url

KEPT = ('config', 'converted_from', 'requires')


def meta_of(checkpoint: dict) -> dict:
    """``meta`` of a checkpoint, empty if there is none.

    Raises:
        CheckpointError: If it is of another form.
    """
    meta = checkpoint.get('meta', {})
    if not isinstance(meta, dict) or not isinstance(
            meta.get('dataset_meta') or {}, dict) or not isinstance(
                meta.get('config', ''), str):
        raise CheckpointError('meta of the checkpoint is of another form')
    return meta


def strip(checkpoint: dict, half: bool = False) -> dict:
    """Weights and class names of a checkpoint.

    Args:
        checkpoint (dict): As mmengine or a converter saves it.
        half (bool): Store floating-point weights as float16.

    Returns:
        dict: ``state_dict``; ``meta`` with ``dataset_meta`` and, of converted
        weights, ``config``, ``converted_from`` and ``requires``.
    """
    weights = {}
    for name, value in weights_of(checkpoint).items():
        if not isinstance(value, torch.Tensor):
            raise CheckpointError(f'{name} of the checkpoint is no tensor')
        if half and value.is_floating_point():
            value = value.half()
        # a view would take everything that it is a view of into the file
        weights[name] = value.clone(memory_format=torch.contiguous_format)
    meta = meta_of(checkpoint)
    kept = {name: meta[name] for name in KEPT if name in meta}
    kept['dataset_meta'] = dict(meta.get('dataset_meta') or {})
    return dict(state_dict=weights, meta=kept)


def deflate(content: bytes) -> bytes:
    """Compress what ``torch.save`` wrote; ``torch.load`` reads both.

    Weights in float16 get about 8 % smaller.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, \
            zipfile.ZipFile(target, 'w') as file:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name)  # always of the same day
            file.writestr(entry, source.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def to_bytes(checkpoint: dict, compress: bool = False) -> bytes:
    """The file, equal for equal checkpoints."""
    file = io.BytesIO()
    torch.save(checkpoint, file)
    return deflate(file.getvalue()) if compress else file.getvalue()


def config_of(meta: dict) -> Optional[str]:
    """Base name of the config that a checkpoint says it is of."""
    if 'config' in meta:
        return meta['config']
    # mmengine adds the time of the start
    name = re.match(r'(.+)_\d{8}_\d{6}$', str(meta.get('experiment_name')))
    return name and name[1]


def day_of(meta: dict) -> str:
    """yyyymmdd when mmengine saved the checkpoint, '' if it does not say."""
    return str(meta.get('time', '')).split('_')[0]


def zoo_name(content: bytes, config: str, date: str) -> str:
    """``{config}_{yyyymmdd}-{hash}.pth``.

    Raises:
        DataError: If the date is none.
    """
    if not re.fullmatch(r'\d{8}', date):
        raise DataError(f'the day of the checkpoint is {date!r}; give --date '
                        'yyyymmdd')
    config = osp.splitext(osp.basename(find_config(config)))[0]
    return f'{config}_{date}-{hashlib.sha256(content).hexdigest()[:8]}.pth'


def check_fits(published: dict, config: str, source: str) -> None:
    """Raise if the weights are not those of the config's model."""
    cfg = Config.fromfile(find_config(config))
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    weights = dict(state_dict=published['state_dict'])
    check_checkpoint(MODELS.build(cfg.model), weights, source=source)


def publish(args: argparse.Namespace) -> None:
    checkpoint = read_checkpoint(args.source)
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{args.source} holds no weights')
    meta = meta_of(checkpoint)
    published = strip(checkpoint, args.half)
    in_zoo = not args.target.endswith('.pth')
    config = args.config
    if in_zoo:
        config = config or config_of(meta)
        if config is None:
            raise DataError(f'{args.source} does not say which config it is '
                            'of; give --config')
    if config is not None:
        check_fits(published, config, args.source)
    content = to_bytes(published, args.compress)
    target = args.target
    if in_zoo:
        name = zoo_name(content, config, args.date or day_of(meta))
        target = osp.join(target, name)
    with atomic_file(target) as file:
        file.write(content)
    count = sum(v.numel() for v in published['state_dict'].values())
    print(f'{target}: {count:,} numbers, {len(content):,} bytes')
    if in_zoo:
        print(f'for the metafile:\n    Weights: {zoo_url(zoo_root())}{name}')


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint of a training or converter')
    parser.add_argument(
        'target',
        help='folder to write to, under a name of the zoo, or a .pth file')
    parser.add_argument(
        '--config',
        help='config that the weights have to fit, a file or the base name of '
        'one of the zoo; default: the one that the checkpoint names')
    parser.add_argument(
        '--date', help='yyyymmdd; default: the day of the checkpoint')
    parser.add_argument(
        '--half', action='store_true', help='store weights as float16')
    parser.add_argument(
        '--compress', action='store_true', help='deflate the file')
    args = parser.parse_args(argv)
    try:
        publish(args)
    except (CheckpointError, DataError) as error:
        parser.exit(1, f'error: {error}\n')


if __name__ == '__main__':
    main()
