# Copyright (c) mmevad authors. All rights reserved.
from .errors import DataError

__all__ = ['DataError']
