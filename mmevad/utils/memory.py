# Copyright (c) mmevad authors. All rights reserved.
"""How the C library treats memory that PyTorch has freed."""
import ctypes
import os

# of malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def keep_freed_memory(limit: int = 1 << 30) -> bool:
    """Have glibc use freed memory again instead of handing it back.

    A model on the CPU frees and takes the same megabytes in every layer. By
    default much of them go back to the system each time, which clears every
    page when it is touched again: up to a third of a forward pass. The
    setting is the process's, so that programs make it, never an import. It
    leaves alone what the user has set by ``MALLOC_...`` or
    ``GLIBC_TUNABLES``.

    Args:
        limit (int): Bytes, less than 2 GiB: larger blocks still go back, and
            so does what is free at the end of the heap above it. Defaults to
            1 GiB.

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
    return all(
        libc.mallopt(option, limit)
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD))
