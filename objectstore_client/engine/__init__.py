"""The HTTP engine: httpx transports over sockets and httptools, whose errors tell what they know.

From the top: `blocking` and `aio` (with `protocol`) do the I/O, one for each world; `driver`,
`connection` and `body` are what both do with it; `pool`, `network` and `patience` hold
connections, ways and time; `exchange` (with `parsing`) is HTTP itself, without I/O; `facts` is
what errors tell. Nothing here knows anything of Objectstore.
"""
