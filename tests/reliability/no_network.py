# Copyright (c) mmevad authors. All rights reserved.
"""A Python whose sockets reach nothing; loaded first, as sitecustomize.

What tries is written to the file of the environment variable
``MMEVAD_SOCKET_LOG``, so that no one can catch the error unseen.
"""
import os
import socket
import sys

LOG = 'MMEVAD_SOCKET_LOG'


def _refuse(name):

    def refuse(*args, **kwargs):
        with open(os.environ[LOG], 'a') as file:
            file.write(f'{name} {args[1:]!r} by {sys.argv[:1]}\n')
        raise OSError(f'the network is off: {name}')

    return refuse


def block() -> None:
    """From here on, nothing in this process reaches the network."""
    local = socket.AF_UNIX
    connect = socket.socket.connect

    def connect_locally(self, address):
        # workers of a data loader talk to each other in this way
        if self.family == local:
            return connect(self, address)
        return _refuse('connect')(self, address)

    socket.socket.connect = connect_locally
    socket.socket.connect_ex = connect_locally
    for name in ('getaddrinfo', 'gethostbyname', 'create_connection'):
        setattr(socket, name, _refuse(name))


if LOG in os.environ:
    block()
