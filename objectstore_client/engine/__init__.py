"""The HTTP engine: httpx transports over sockets and httptools, which tell what they know.

Top to bottom: `blocking` and `aio` do the I/O, one for each world; `pool` and `network` hold what
both need for connections; `exchange` is HTTP itself, without I/O; `facts` is what errors tell.
Nothing here knows anything of Objectstore.
"""
