# Copyright (c) mmevad authors. All rights reserved.
"""Config files, metafiles and README tables belong together."""
import re
from collections import Counter
from pathlib import Path

import pytest

from .catalog import BASES, ENTRIES, FOLDERS, METAFILES, PATHS, ROOT

NAME = re.compile(
    r'(evad|actionformer)_[a-z0-9.-]+_\d+xb\d+-\d+x\d+x1(-\d+e)?_'
    r'[a-z0-9.-]+-(rgb|feature|accelerometer)')
every_folder = pytest.mark.parametrize(
    'folder', FOLDERS, ids=[folder.name for folder in FOLDERS])


def test_base_names_are_unique():
    """mim finds configs by base name, in whatever folder they are."""
    names = Counter(path.name for path in PATHS + BASES)
    assert names.most_common(1)[0][1] == 1


def test_every_config_is_in_a_zoo_folder_and_named_by_the_pattern():
    assert {path.parent for path in PATHS} == set(FOLDERS)
    for path in PATHS:
        assert NAME.fullmatch(path.stem), path.name
        assert path.stem.startswith(f'{path.parent.name}_')


def test_every_base_is_used():
    used = set()
    for path in PATHS + BASES:
        bases = re.search(r"^_base_ = (.*?)\n\n",
                          path.read_text() + '\n\n', re.M | re.S)
        names = re.findall(r"'([^']+\.py)'", bases[1]) if bases else []
        used |= {(path.parent / name).resolve() for name in names}
    assert set(BASES) - used == set()
    assert used <= set(PATHS + BASES)


def test_each_config_has_one_metafile_entry():
    assert Counter(x['Config'] for x in ENTRIES) == Counter(
        str(path.relative_to(ROOT)) for path in PATHS)
    for folder, content in METAFILES.items():
        collection, = content['Collections']
        assert (ROOT / collection['README']).is_file()
        for entry in content['Models']:
            assert Path(entry['Config']).stem == entry['Name']
            assert (ROOT / entry['Config']).parent == folder
            assert entry['In Collection'] == collection['Name']


def test_metafile_says_whose_numbers_they_are():
    for entry in ENTRIES:
        for result in entry['Results']:
            for name, value in result['Metrics'].items():
                assert name.endswith((' (paper)', ' (ours)')), entry['Name']
                assert isinstance(value, (int, float))


@every_folder
def test_every_link_of_the_readme_exists(folder):
    text = (folder / 'README.md').read_text()
    links = re.findall(r'\]\(([^)#]+)[^)]*\)', text)
    local = [link for link in links if not link.startswith('http')]
    assert [x for x in local if not (folder / x).exists()] == []
    # and every config is in a table
    listed = {(folder / x).resolve() for x in local}
    assert set(folder.glob('*.py')) - listed == set()


@every_folder
def test_readme_tables_say_what_the_metafile_does(folder):
    """Rows with a config have its parameters in millions, and its metric."""
    rows = [
        line for line in (folder / 'README.md').read_text().splitlines()
        if line.startswith('|') and '.py)' in line
    ]
    entries = {Path(x['Config']).name: x for x in ENTRIES}
    for row in rows:
        cells = [cell.strip() for cell in row.strip('|').split('|')]
        for name in re.findall(r'\(([^)]+\.py)\)', cells[0]):
            entry = entries[name]
            millions = entry['Metadata']['Parameters'] / 1e6
            assert f'{millions:.1f} M' in cells, name
            values = [
                v for result in entry['Results']
                for v in result['Metrics'].values()
            ]
            numbers = set(re.findall(r'\d+\.\d+', ' '.join(cells[1:])))
            assert {f'{v:.1f}' for v in values[:1]} <= numbers, name
