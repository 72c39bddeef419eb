# Copyright (c) mmevad authors. All rights reserved.
"""What the pages name exists: links, files, options, configs, classes."""
import ast
import re
from functools import lru_cache
from pathlib import Path

import mmaction.registry
import pytest
from mmengine.registry import Registry

from mmevad.utils.zoo import find_config
from .pages import DOCS, PAGES, ROOT, load_script, prose, read_blocks

WRITTEN = [x for x in PAGES if x.name != 'config_reference.md']
# of mim and srun, and what argparse adds
FOREIGN = {'--checkpoint', '--help', '--requeue', '--time'}
PARTS = dict(
    backbone='KeyframeTokenPruneViT',
    context_decoder='ContextRefineDecoder',
    neck='ActionFormerNeck')
every_page = pytest.mark.parametrize('page', PAGES, ids=lambda x: x.name)
written_page = pytest.mark.parametrize('page', WRITTEN, ids=lambda x: x.name)


def code(page: Path) -> list:
    """Inline code, and blocks."""
    spans = re.findall(r'`([^`\n]+)`', prose(page))
    return spans + [block.text for block in read_blocks(page)]


def anchors(page: Path) -> set:
    """Anchors that GitHub gives to the headings."""
    titles = re.findall(r'^#+ (.+)$', prose(page), re.M)
    plain = [re.sub(r'[^\w\- ]', '', title.lower()) for title in titles]
    return {title.replace(' ', '-') for title in plain}


@lru_cache()
def constants() -> str:
    """All text in the code, with strings that are written in parts joined."""
    found = []
    for path in (ROOT / 'mmevad').rglob('*.py'):
        found += [
            node.value for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return '\n'.join(found)


@lru_cache()
def options(path: Path) -> set:
    """Options of a script, and of the modules of mmevad that it imports."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if (isinstance(node, ast.Call)
                and getattr(node.func, 'attr', '') == 'add_argument'):
            found |= {x.value for x in node.args if hasattr(x, 'value')}
    for node in ast.walk(tree):
        module = getattr(node, 'module', None) or ''
        ours = module.startswith(('mmevad.utils', 'mmevad.apis'))
        if isinstance(node, ast.ImportFrom) and ours:
            file = ROOT.joinpath(*module.split('.')).with_suffix('.py')
            if file.is_file():
                found |= options(file)
    return found


SCRIPTS = sorted([*ROOT.glob('tools/**/*.py'), *ROOT.glob('demo/*.py')])


@every_page
def test_links_lead_somewhere(page):
    links = re.findall(r'\]\(([^)\s]+)\)', prose(page))
    assert links
    for link in links:
        if link.startswith('http'):
            continue
        file, _, anchor = link.partition('#')
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_index_lists_every_page():
    links = re.findall(r'\]\((\w+\.md)\)', (DOCS / 'README.md').read_text())
    assert set(links) == {x.name for x in PAGES} - {'README.md'}


@written_page
def test_files_exist(page):
    pattern = r'(?<![\w/.])(?:tools|demo|configs|tests|mmevad)/[\w./-]*\w'
    for text in code(page):
        for name in re.findall(pattern, text):
            if name == 'mmevad/.mim':  # made by the installation
                continue
            assert (ROOT / name).exists(), name


@written_page
def test_options_exist(page):
    known = FOREIGN.union(*map(options, SCRIPTS))
    for text in code(page):
        for line in text.replace('\\\n', ' ').splitlines():
            used = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', line))
            assert used <= known, line
            script = re.search(r'python ((?:tools|demo)/[\w/]+\.py)', line)
            if script:
                own = options(ROOT / script[1])
                assert used <= own | FOREIGN, line


@written_page
def test_variables_of_the_scripts_exist(page):
    scripts = ''.join(x.read_text() for x in ROOT.glob('tools/*.sh'))
    for text in code(page):
        for line in text.splitlines():
            if 'tools/' in line and '.sh' in line:
                for name in re.findall(r'\b([A-Z_]+)=', line):
                    assert f'${{{name}:-' in scripts, name


@written_page
def test_configs_and_classes_exist(page):
    registered = {
        name
        for registry in vars(mmaction.registry).values()
        if isinstance(registry, Registry) for name in registry.module_dict
    }
    for text in code(page):
        for name in re.findall(r'\b(?:evad|actionformer)_[\w.-]+_\d+xb[\w.-]+',
                               text):
            assert find_config(Path(name).name)
        if re.fullmatch(r'[A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*',
                        text) and (not text.isupper()):
            assert text in registered or re.search(rf'\b{text}\b',
                                                   sources()), text


@lru_cache()
def sources() -> str:
    return ''.join(x.read_text() for x in (ROOT / 'mmevad').rglob('*.py'))


@written_page
def test_settings_of_models_exist(page):
    reference = load_script('misc/make_config_reference.py')
    classes = {
        cls.__name__: cls
        for cls in reference.registered_classes()['MODELS']
    }
    for text in code(page):
        for part, name in re.findall(r'\bmodel\.(\w+)\.(\w+)=', text):
            assert name in reference.parameters(classes[PARTS[part]]), text


def test_quoted_messages_exist():
    quotes = re.findall(r'\*"([^"]+)"\*', (DOCS / 'faq.md').read_text())
    assert len(quotes) >= 20
    assert [x for x in quotes if x not in constants()] == []


def test_drawings_are_those_of_the_script():
    drawings = load_script('misc/make_docs_drawings.py')
    for name in ('evad', 'actionformer'):
        text = (DOCS / f'images/{name}_flow.svg').read_text()
        assert text == getattr(
            drawings, name)(), ('run python tools/misc/make_docs_drawings.py')
