# Copyright (c) mmevad authors. All rights reserved.
"""How the C library treats memory that PyTorch has freed."""
import ctypes
import os

# of malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# bytes; glibc takes no larger blocks from its heap
LARGE_BLOCK = 32 << 20


def keep_freed_memory(limit: int = 1 << 30) -> bool:
    """Have glibc use freed memory again instead of handing it back.

    A model on the CPU frees and takes the same megabytes in every layer. By
    default glibc hands back what is free at the end of its heap above 64 MiB
    at most; the system clears every page that comes again, which took up to a
    third of a forward pass. Blocks above 32 MiB still go back one by one. The
    setting is the process's, so that programs make it, never an import. It
    leaves alone what the user has set by ``MALLOC_...`` or
    ``GLIBC_TUNABLES``.

    Args:
        limit (int): Bytes to keep, less than 2 GiB. Defaults to 1 GiB.

    Returns:
        bool: Whether it was set; False with another C library.
    """
    if any(
            name.startswith(('MALLOC_', 'GLIBC_TUNABLES'))
            for name in os.environ):
        return False
    try:
        libc = ctypes.CDLL('libc.so.6')
        libc.gnu_get_libc_version  # noqa: B018  others have no mallopt
    except (OSError, AttributeError):
        return False
    # setting one of them stops glibc from adapting the other, so set both
    return bool(
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        and libc.mallopt(M_TRIM_THRESHOLD, limit))
