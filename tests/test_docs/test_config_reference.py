# Copyright (c) mmevad authors. All rights reserved.
"""docs/config_reference.md follows the code."""
import inspect

import pytest

from .pages import DOCS, load_script

reference = load_script('misc/make_config_reference.py')
CLASSES = [
    cls for group in reference.registered_classes().values() for cls in group
]


@pytest.mark.parametrize('cls', CLASSES, ids=lambda cls: cls.__name__)
def test_every_option_is_explained_in_the_docstring(cls):
    assert reference.without_description(cls) == []


def test_the_page_is_up_to_date():
    text = (DOCS / 'config_reference.md').read_text()
    assert text == reference.render(), (
        'run python tools/misc/make_config_reference.py')


def test_the_page_has_every_class_and_option():
    text = (DOCS / 'config_reference.md').read_text()
    sections = dict(part.split('\n', 1) for part in text.split('\n### ')[1:])
    assert len(CLASSES) >= 37
    for cls in CLASSES:
        assert cls.__name__ in sections
        for name in reference.parameters(cls):
            assert f'\n| `{name}` |' in sections[cls.__name__], name


def test_what_is_missing_is_found():

    class Silent:
        """Title.

        Args:
            told (int): What it is. Defaults to 1.
            bare (int): Defaults to 2.
            gone (int): Not an option.
        """

        def __init__(self, told=1, bare=2, untold=3):
            pass

    assert reference.without_description(Silent) == ['bare', 'untold', 'gone']


@pytest.mark.parametrize('text, expected', [
    ('Width. Defaults to 512.', 'Width.'),
    ('Levels. Defaults to (1, 2).', 'Levels.'),
    ("Layout. Defaults to 'TC'.", 'Layout.'),
    ('Subset. Defaults to None, which means all.',
     'Subset. Defaults to None, which means all.'),
])
def test_defaults_are_not_said_twice(text, expected):
    assert reference.meaning(text) == expected


def test_defaults_read_like_a_config():
    value = dict(type='A', x=[1, (2, )], y=dict(z=None))
    text = reference.literal(value)
    assert text == "dict(type='A', x=[1, (2,)], y=dict(z=None))"
    assert eval(text) == value


def test_shared_descriptions_and_stars():

    class Shared:
        """Title.

        Args:
            a, b (int): Two
                numbers.
            *args, **kwargs: Those of the base.
        """

        def __init__(self, a, *args, b=1, **kwargs):
            pass

    found = reference.described_options(Shared)
    assert found['a'] == found['b'] == ('int', 'Two numbers.')
    assert list(
        reference.parameters(Shared)) == ['a', '*args', 'b', '**kwargs']
    assert reference.without_description(Shared) == []
    assert inspect.getdoc(Shared).startswith('Title.')
