# Copyright (c) mmevad authors. All rights reserved.
"""Write docs/config_reference.md: every option of every registered class.

Types and meanings are those of the docstrings, defaults those of the
signatures. With --check nothing is written; the exit status is 1 if the page
is not up to date or an option has no description.
"""
import argparse
import inspect
import os.path as osp
import re
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import mmevad  # noqa: F401  isort: skip, mends the stack, so it comes first
import mmaction.registry
from mmengine.registry import Registry

from mmevad.apis import ClipFeatureExtractor, EVADInferencer, TALInferencer
from mmevad.visualization.visualizer import DetectionVisualizer  # noqa: F401

ROOT = osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__))))
PAGE = osp.join(ROOT, 'docs', 'config_reference.md')
TITLES = dict(
    MODELS='Models and their parts',
    DATASETS='Datasets',
    TRANSFORMS='Transforms of pipelines',
    DATA_SAMPLERS='Samplers',
    METRICS='Metrics',
    HOOKS='Hooks',
    OPTIM_WRAPPER_CONSTRUCTORS='Optimizers',
    VISUALIZERS='Visualizers')
HEADER = """# Config reference

<!-- Written by tools/misc/make_config_reference.py; do not edit. -->

Every class that mmevad registers, with all its options. In a config each is
`dict(type='NAME', option=value, ...)`. What is not here comes from mmengine,
mmaction2 or mmdet under the same name as there.
"""
_ENTRY = re.compile(r' {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \((.+?)\))?: ?(.*)')
_DEFAULT = re.compile(
    r"(^|\. )Defaults to (\([^()]*\)|'[^']*'|\w+\(\w+=''\)|[^:;,()]+)\.$")


class Option(NamedTuple):
    """One option as the docstring describes it."""
    kind: str
    text: str


def registered_classes() -> Dict[str, List[type]]:
    """mmevad's classes by the name of their registry, sorted by name."""
    found = {}
    for name, registry in vars(mmaction.registry).items():
        if isinstance(registry, Registry):
            ours = [
                x for x in registry.module_dict.values()
                if x.__module__.startswith('mmevad.')
            ]
            if ours:
                found[name] = sorted(ours, key=lambda x: x.__name__)
    return found


def split_docstring(cls: type) -> Dict[str, str]:
    """Sections of a class's docstring; what comes before them is ''."""
    sections, name = {'': ''}, ''
    for line in inspect.getdoc(cls).splitlines():
        title = re.fullmatch(r'(Args|Attributes|Raises):', line)
        if title:
            name = title[1]
            sections[name] = ''
        else:
            sections[name] += line + '\n'
    return sections


def described_options(cls: type) -> Dict[str, Option]:
    """Options in the docstring; several may share a description."""
    options: Dict[str, Option] = {}
    names: List[str] = []
    for line in split_docstring(cls).get('Args', '').splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry:
            names = entry[1].split(', ')
            options.update(
                {x: Option(entry[2] or '', entry[3])
                 for x in names})
        else:
            for name in names:
                kind, text = options[name]
                options[name] = Option(kind, f'{text} {line.strip()}'.strip())
    return options


def init_owner(cls: type) -> type:
    """The class that ``__init__`` was written in, below any wrappers."""
    init = inspect.unwrap(cls.__init__)
    return [
        x for x in cls.__mro__
        if inspect.unwrap(vars(x).get('__init__')) is init
    ][-1]


def parameters(cls: type) -> Dict[str, inspect.Parameter]:
    """What ``__init__`` of the class takes, if it has one of its own."""
    if init_owner(cls) is not cls:
        return {}
    stars = {
        inspect.Parameter.VAR_POSITIONAL: '*',
        inspect.Parameter.VAR_KEYWORD: '**'
    }
    found = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {stars.get(x.kind, '') + x.name: x for x in found}


def literal(value: Any) -> str:
    """A default as one would write it in a config."""
    if isinstance(value, dict):
        items = ', '.join(f'{k}={literal(v)}' for k, v in value.items())
        return f'dict({items})'
    if isinstance(value, list):
        return f'[{", ".join(map(literal, value))}]'
    if isinstance(value, tuple):
        items = ', '.join(map(literal, value))
        return f'({items},)' if len(value) == 1 else f'({items})'
    return repr(value)


def meaning(text: str) -> str:
    """The text without its last sentence, if that says the default."""
    return _DEFAULT.sub(r'\1', text).strip()


def markdown(text: str, names: Sequence[str]) -> str:
    """reStructuredText of a docstring as Markdown, with links to classes."""

    def link(match: re.Match) -> str:
        name = match[1]
        return f'[{name}](#{name.lower()})' if name in names else f'`{name}`'

    text = re.sub(r':(?:class|func|meth):`([^`]+)`', link, text)
    return text.replace('``', '`')


def cell(text: str) -> str:
    """Text that does not end the cell of a table."""
    return text.replace('|', r'\|')


def option_rows(cls: type, names: Sequence[str]) -> List[str]:
    """A table of the options of a class, [] if it takes none."""
    described = described_options(cls)
    rows = ['| option | type | default | |', '| --- | --- | --- | --- |']
    for name, parameter in parameters(cls).items():
        option = described.get(name, Option('', ''))
        if name.startswith('*'):
            default = ''
        elif parameter.default is inspect.Parameter.empty:
            default = 'required'
        else:
            default = f'`{literal(parameter.default)}`'
        text = markdown(meaning(option.text), names)
        kind = f'`{option.kind}`' if option.kind else ''
        rows.append(f'| `{name}` | {cell(kind)} | {cell(default)} | '
                    f'{cell(text)} |')
    return rows if len(rows) > 2 else []


def without_description(cls: type) -> List[str]:
    """Options that the docstring does not explain, or that do not exist."""
    described, taken = described_options(cls), parameters(cls)
    silent = [
        name for name in taken
        if not meaning(described.get(name, Option('', '')).text)
    ]
    unknown = [x for x in described if taken and x not in taken]
    return silent + unknown


def base_of(cls: type) -> Optional[type]:
    """Where a class without ``__init__`` of its own has it from."""
    owner = init_owner(cls)
    return None if owner in (cls, object) else owner


def section(cls: type, names: Sequence[str]) -> str:
    """Everything about one class."""
    file = osp.relpath(inspect.getsourcefile(cls), ROOT).replace(osp.sep, '/')
    parts = [
        f'### {cls.__name__}', f'[{file}](../{file})',
        markdown(split_docstring(cls)[''].strip(), names)
    ]
    rows, base = option_rows(cls, names), base_of(cls)
    if rows:
        parts.append('\n'.join(rows))
    elif base is not None and base.__name__ in names:
        parts.append(f'Options are those of [{base.__name__}]'
                     f'(#{base.__name__.lower()}).')
    elif base is not None and base.__module__.split('.')[0] != 'mmcv':
        package = base.__module__.split('.')[0]
        parts.append(f'Options are those of {package}\'s `{base.__name__}`.')
    else:
        parts.append('No options.')
    return '\n\n'.join(parts) + '\n'


def render() -> str:
    """The whole page."""
    groups = registered_classes()
    groups = {TITLES[name]: groups[name] for name in TITLES}
    groups['Python interface'] = [
        ClipFeatureExtractor, EVADInferencer, TALInferencer
    ]
    names = [cls.__name__ for group in groups.values() for cls in group]
    contents = ''
    for title, classes in groups.items():
        links = ', '.join(f'[{x.__name__}](#{x.__name__.lower()})'
                          for x in classes)
        contents += f'- {title}: {links}\n'
    pages = [HEADER, contents]
    for title, classes in groups.items():
        pages.append(f'## {title}\n')
        pages += [section(cls, names) for cls in classes]
    return '\n'.join(pages)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        '--check', action='store_true', help='write nothing, only compare')
    args = parser.parse_args(argv)
    silent = [
        f'{cls.__name__}: {", ".join(without_description(cls))}'
        for group in registered_classes().values() for cls in group
        if without_description(cls)
    ]
    for line in silent:
        print(f'Docstring and options differ: {line}', file=sys.stderr)
    text = render()
    if not args.check:
        with open(PAGE, 'w') as file:
            file.write(text)
        return int(bool(silent))
    with open(PAGE) as file:
        current = file.read() == text
    if not current:
        print(f'{PAGE} is not up to date; run this without --check.')
    return int(bool(silent) or not current)


if __name__ == '__main__':
    sys.exit(main())
