# Copyright (c) mmevad authors. All rights reserved.
"""Data and packed frames -> one HTML file.

Names and labels come from files of others. They are put into the page as JSON
alone, in which no character can end the element, and the scripts write them as
text. The page's own policy lets nothing run but its own script, and nothing
load from elsewhere.
"""
import base64
import hashlib
import html
import json
import os.path as osp
import re
from typing import Any, Dict, List, Sequence

from .media import Media

_ASSETS = osp.join(osp.dirname(__file__), 'assets')
# in the order in which they need each other
SCRIPTS = ('dom.js', 'data.js', 'state.js', 'player.js', 'overlay.js',
           'lanes.js', 'timeline.js', 'filters.js', 'details.js', 'tables.js',
           'curves.js', 'keys.js', 'main.js')
_UNSAFE = {
    '<': '\\u003c',
    '>': '\\u003e',
    '&': '\\u0026',
    '\u2028': '\\u2028',
    '\u2029': '\\u2029'
}


def to_safe_json(content: Any) -> str:
    """JSON that can stand inside a script element.

    Raises:
        ValueError: If a number is not finite.
    """
    text = json.dumps(content, allow_nan=False, ensure_ascii=False)
    return re.sub('[<>&\u2028\u2029]', lambda x: _UNSAFE[x.group()], text)


def read_asset(name: str) -> str:
    """Text of a file that belongs to the page."""
    with open(osp.join(_ASSETS, name), encoding='utf-8') as file:
        return file.read()


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _policy(script: str, style: str) -> str:
    rules = {
        'default-src': "'none'",
        'script-src': _hash(script),
        'style-src': _hash(style),
        'img-src': 'data: blob:',
        'media-src': 'data: blob:',
        'base-uri': "'none'",
        'form-action': "'none'"
    }
    return '; '.join(f'{name} {value}' for name, value in rules.items())


def _data_element(name: str, content: Any) -> str:
    return (f'<script type="application/json" id="{name}">'
            f'{to_safe_json(content)}</script>')


def make_page(data: Dict[str, Any], media: Sequence[Media]) -> str:
    """Text of the HTML file.

    Args:
        data (dict): What ``assets/data.js`` describes, with 'title'.
        media (list[Media]): Frames, in the order of ``data['videos']``.
    """
    scripts = '\n'.join(map(read_asset, SCRIPTS))
    script = f"'use strict';\n(() => {{\n{scripts}\n}})();\n"
    style = read_asset('report.css')
    elements: List[str] = [_data_element('data', data)]
    elements += [
        _data_element(f'media-{i}', x.data) for i, x in enumerate(media)
    ]
    parts = {
        'title': html.escape(data['title']),
        'policy': html.escape(_policy(script, style)),
        'style': f'<style>{style}</style>',
        'script': f'<script>{script}</script>',
        'data': '\n'.join(elements)
    }
    # in one pass, as the parts may hold anything
    return re.sub(r'\{\{(\w+)\}\}', lambda x: parts[x.group(1)],
                  read_asset('report.html'))
