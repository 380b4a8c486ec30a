"""Batches, without I/O: many operations in one request (protocol section 9).

    operations → plan → encode → (the wire) → framing → answers

`framing` is shared with the embedded server.
"""
