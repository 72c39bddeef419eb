# Copyright (c) mmevad authors. All rights reserved.
"""Every hostile file at every place that could read it, as a table.

    python -m tests.reliability.hostile_table > hostile_files.md
"""
import os
import os.path as osp
import shutil
import tempfile
from typing import Dict, Iterator, List, NamedTuple, Tuple

import mmevad  # noqa: F401  isort: skip
from . import hostile_entries as entries
from . import hostile_payloads as payloads
from .isolated import Outcome, run

# These read no path by a video's name, so any name is good.
_ONLY_NAMES = ('eval_segments.py truth', 'eval_segments.py results',
               'TubeDataset', 'ScoreFusion', 'proposal_file', 'make_ego4d.py')


class Case(NamedTuple):
    """A payload at an entry point."""
    kind: str
    payload: str
    entry: str
    outcome: Outcome

    @property
    def good(self) -> bool:
        """Refused, and neither run, nor allocated, nor waited for."""
        return self.outcome.verdict == 'refused'


def _files(folder: str, trainings: bool) -> Iterator[Tuple]:
    """Kind, payload, path and readers of each."""

    def write(name: str, content: bytes) -> str:
        path = osp.join(folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    for name, content in payloads.pickles().items():
        yield 'pickle', name, write('a.pkl', content), entries.PICKLES
    for name, content in payloads.checkpoints().items():
        readers = dict(entries.CHECKPOINTS)
        if trainings:
            readers.update(entries.TRAININGS)
        yield 'checkpoint', name, write('a.pth', content), readers
    for name, (ending, content) in payloads.features().items():
        yield 'features', name, write(f'a{ending}', content), entries.FEATURES
    yield 'features', 'h5: declared shape', _h5(folder), _h5_readers()
    yield 'features', 'h5: link to another file', _h5_link(
        folder), _h5_readers()
    for name, content in payloads.jsons().items():
        yield 'JSON', name, write('a.json', content), entries.JSONS
    bomb = write('a.json.gz', payloads.gzip_bomb())
    names = ('SegmentDataset', 'eval_segments.py truth',
             'eval_segments.py results', 'make_activitynet.py',
             'make_ego4d.py')
    yield 'packed', '.json.gz bomb', bomb, {
        name: entries.JSONS[name]
        for name in names
    }
    for ending in ('.json.xz', '.pkl.xz'):
        yield 'packed', f'{ending} bomb', write(
            f'a{ending}', payloads.xz_bomb()), {
                name: entries.PICKLES[name]
                for name in ('TubeDataset', 'tubes_to_ava.py')
            }
    yield from _special_files(folder)
    yield 'text', 'zero bytes', write('a.csv', bytes(999)), entries.TEXTS
    yield 'text', 'no UTF-8', write('a.csv', b'a,1\n\xff\xfe,2\n'), \
        entries.TEXTS
    row = b'../../etc,9,0.1,0.1,0.2,0.2,1,0\n'
    yield 'text', 'names that leave the folder', write('a.csv', row), {
        name: entries.TEXTS[name]
        for name in ('CheckedAVADataset', 'AVAFrameMAP')
    }


def _special_files(folder: str) -> Iterator[Tuple]:
    everything = {
        '.csv': entries.TEXTS, '.json': entries.JSONS,
        '.pkl': entries.PICKLES, '.pth': entries.CHECKPOINTS,
        '.npy': entries.FEATURES}  # yapf: disable
    for ending, readers in everything.items():
        link = osp.join(folder, f'endless{ending}')
        os.symlink('/dev/zero', link)
        yield 'special', f'link to /dev/zero ({ending})', link, readers
        pipe = osp.join(folder, f'pipe{ending}')
        os.mkfifo(pipe)
        yield 'special', f'pipe ({ending})', pipe, readers


def _h5(folder: str) -> str:
    import h5py
    path = osp.join(folder, 'a.h5')
    with h5py.File(path, 'w') as file:
        file.create_dataset(
            'v', (2**40, 2**10), 'f4', chunks=(1, 2**10), compression='gzip')
    return path


def _h5_link(folder: str) -> str:
    import h5py
    path, other = osp.join(folder, 'link.h5'), osp.join(folder, 'other.h5')
    with h5py.File(other, 'w') as file:
        file['v'] = [[1., 2.]]
    with h5py.File(path, 'w') as file:
        file['v'] = h5py.ExternalLink(other, '/v')
    return path


def _h5_readers() -> entries.Readers:

    def read(path: str) -> object:
        return entries.open_features(entries.FeatureFile(path, 'v'))

    return {
        'SegmentDataset': read,
        'tal_demo.py': lambda path: entries.FEATURES['tal_demo.py']
        (f'{path}::v')
    }


def all_cases(trainings: bool = True) -> List[Case]:
    """Try everything.

    Args:
        trainings (bool): Whether to start ``tools/train.py`` and
            ``tools/test.py`` too. Defaults to True.
    """
    entries.prepare()
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        canary = osp.join(folder, 'canary')
        os.environ[payloads.CANARY] = canary
        for kind, name, path, readers in _files(folder, trainings):
            for entry, reader in readers.items():
                if name == 'names that leave the folder' and \
                        kind == 'JSON' and entry in _ONLY_NAMES:
                    continue
                outcome = run(lambda: reader(path), canary,
                              osp.join(folder, 'log'))
                out = osp.join(folder, 'out')
                if osp.lexists(out) and entry not in entries.TRAININGS:
                    outcome = outcome._replace(verdict='wrote')
                shutil.rmtree(out, ignore_errors=True)
                cases.append(Case(kind, name, entry, outcome))
    return cases


def to_markdown(cases: List[Case]) -> str:
    """One table for each kind of file: payloads down, entries across."""
    lines = []
    for kind in dict.fromkeys(case.kind for case in cases):
        rows: Dict[str, Dict[str, Outcome]] = {}
        for case in cases:
            if case.kind == kind:
                rows.setdefault(case.payload, {})[case.entry] = case.outcome
        columns = list(dict.fromkeys(x for row in rows.values() for x in row))
        lines += ['', f'## {kind}', '', '| | ' + ' | '.join(columns) + ' |']
        lines.append('| --- ' * (len(columns) + 1) + '|')
        lines += [
            f'| {name} | ' + ' | '.join(row[x].verdict if x in row else ''
                                        for x in columns) + ' |'
            for name, row in rows.items()
        ]
    return '\n'.join(lines).strip() + '\n'


if __name__ == '__main__':
    print(to_markdown(all_cases()), end='')
