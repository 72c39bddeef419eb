# Copyright (c) mmevad authors. All rights reserved.
"""Point all metafiles to the line "Zoo:" of model-index.yml.

To move the zoo, change that line and run this.
"""
import argparse
import os.path as osp
from typing import List, Optional

from mmevad.utils.errors import DataError
from mmevad.utils.zoo import metafiles, point_to, zoo_url


def main(argv: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--root',
        default=osp.join(osp.dirname(osp.abspath(__file__)), '..', '..'),
        help='folder of model-index.yml; default: the one above tools')
    args = parser.parse_args(argv)
    try:
        url = zoo_url(args.root)
        for path in metafiles(args.root):
            with open(path, encoding='utf-8') as file:
                before = file.read()
            after = point_to(before, url)
            if after != before:
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(after)
                print(f'{osp.relpath(path, args.root)}: now {url}')
    except DataError as error:
        parser.exit(1, f'error: {error}\n')


if __name__ == '__main__':
    main()
