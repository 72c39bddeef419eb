# Copyright (c) mmevad authors. All rights reserved.
"""The pages of docs/, their code blocks, and running these."""
import glob
import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional

from mmengine.logging import MMLogger

ROOT = Path(__file__).parents[2]
DOCS = ROOT / 'docs'
PAGES = sorted(DOCS.glob('*.md'))
_FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.M | re.S)
_SAVE = re.compile(r'Save as `([^`]+)`[^`]*:\s*$')


class Block(NamedTuple):
    """A block of code.

    Attributes:
        kind (str): Its language, '' without.
        text (str): The code.
        line (int): Its first line, from 1.
        file (str, optional): What the page says to save it as.
    """
    kind: str
    text: str
    line: int
    file: Optional[str]


def read_blocks(page: Path) -> List[Block]:
    """Blocks of code of a page, in order."""
    text = page.read_text()
    blocks = []
    for match in _FENCE.finditer(text):
        before = text[:match.start()]
        save = _SAVE.search(before)
        blocks.append(
            Block(match[1], match[2],
                  before.count('\n') + 2, save and save[1]))
    return blocks


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub('', page.read_text())


def commands(block: Block) -> List[List[str]]:
    """Words of each command of a shell block."""
    lines = block.text.replace('\\\n', ' ').splitlines()
    return [words for words in (shlex.split(x, True) for x in lines) if words]


def make_clone(folder: Path) -> None:
    """What a user has who cloned the repository, without the pages."""
    for name in ('configs', 'demo', 'tools'):
        (folder / name).symlink_to(ROOT / name)


def run_here(page: Path, monkeypatch, until: str = '') -> None:
    """Run a page in this process, in the current folder.

    A command must be ``python SCRIPT ...``. With ``until`` the page ends
    before the command of that script.
    """
    for block in read_blocks(page):
        if block.file:
            Path(block.file).write_text(block.text)
        elif block.kind == 'python':
            code = compile(block.text, f'{page.name}:{block.line}', 'exec')
            exec(code, {'__name__': '__main__'})
        elif block.kind == 'shell':
            for words in commands(block):
                if words[1] == until:
                    return
                _run_script(words, monkeypatch)


def _run_script(words: List[str], monkeypatch) -> None:
    assert words[0] == 'python', words
    arguments = []
    for word in words[1:]:
        found = sorted(glob.glob(word)) if '*' in word else [word]
        assert found, f'{word} matches nothing'
        arguments += found
    # without it a second runner would log into the first one's file
    MMLogger._instance_dict.clear()
    with monkeypatch.context() as patch:
        patch.setattr(sys, 'argv', arguments)
        patch.syspath_prepend(str(Path(arguments[0]).resolve().parent))
        try:
            runpy.run_path(arguments[0], run_name='__main__')
        except SystemExit as end:
            assert not end.code, f'{" ".join(words)}: {end.code}'


def run_literally(page: Path, folder: Path) -> str:
    """Run a page in a shell and in Python, as a reader would.

    Returns:
        str: All that was printed.
    """
    python = str(Path(sys.executable).parent)
    env = dict(os.environ, PATH=f'{python}:{os.environ["PATH"]}')
    env.pop('LOCAL_RANK', None)
    printed = ''
    for block in read_blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text)
            continue
        if block.kind not in ('python', 'shell'):
            continue
        start = ['bash', '-e'] if block.kind == 'shell' else ['python']
        done = subprocess.run(
            start + ['-'],
            input=block.text,
            cwd=folder,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        printed += done.stdout
        assert done.returncode == 0, (
            f'{page.name}, line {block.line}:\n{done.stdout[-3000:]}')
    return printed


def load_script(name: str):
    """A script of tools/, as a module."""
    spec = importlib.util.spec_from_file_location(
        Path(name).stem, ROOT / 'tools' / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
