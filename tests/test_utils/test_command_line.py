# Copyright (c) mmevad authors. All rights reserved.
import argparse

import pytest

from mmevad.utils.command_line import (add_debug_argument, positive,
                                       positive_number, run_command, share)
from mmevad.utils.errors import CheckpointError, DataError


@pytest.mark.parametrize('kind, good, bad', [
    (positive, dict(zip(['1', '12'], [1, 12])), ['0', '-1', '1.5', 'a']),
    (positive_number, {'0.5': .5, '3': 3}, ['0', '-1', 'nan', 'inf', 'a']),
    (share, {'0': 0, '1': 1, '.3': .3}, ['-.1', '1.1', 'nan', 'a']),
])  # yapf: disable
def test_numbers(kind, good, bad):
    for text, value in good.items():
        assert kind(text) == value
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match=f'got {text!r}'):
            kind(text)


@pytest.mark.parametrize('kind', [DataError, CheckpointError, OSError])
def test_bad_input_is_told_and_raised_only_with_debug(kind):
    parser = argparse.ArgumentParser()
    add_debug_argument(parser)

    def run(args):
        raise kind('what is wrong')

    with pytest.raises(SystemExit) as error:
        run_command(run, parser.parse_args([]))
    assert error.value.code == 'error: what is wrong'
    with pytest.raises(kind):
        run_command(run, parser.parse_args(['--debug']))


def test_mistakes_in_the_code_are_raised():
    args = argparse.Namespace(debug=False)
    with pytest.raises(KeyError):
        run_command(lambda args: {}['x'], args)
