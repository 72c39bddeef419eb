# Copyright (c) mmevad authors. All rights reserved.
"""Print the table, or run a script with everything applied."""
import os
import runpy
import sys

from . import REPORTS
from .report import format_table


def main() -> None:
    if len(sys.argv) < 2:
        print(format_table(REPORTS))
        return
    script = sys.argv[1]
    if not os.path.isfile(script):
        sys.exit(f'{script} does not exist; usage: python -m mmevad.compat '
                 '[script.py arguments ...]')
    sys.argv = sys.argv[1:]
    # what `python script.py` does with its own folder
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    runpy.run_path(script, run_name='__main__')


if __name__ == '__main__':
    main()
