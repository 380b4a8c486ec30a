"""What we use of httptools: strict parsing of heads and chunked bodies."""

from __future__ import annotations

import httptools

__all__ = ["Events"]


class Events:
    """What a parser found. It does not hold the parser, which holds it: cycles live too long.

    Attributes:
        headers: Headers and trailers, names in lower case.
        pieces: Data of the body.
        head_complete: The head has ended.
        complete: The whole answer has ended.
        stray: Something else began after it.
    """

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.head_complete = self.complete = self.stray = False

    def feed(self, parser: httptools.HttpResponseParser, data: bytes) -> str | None:
        """Parse *data* and return what is wrong with it."""
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if isinstance(error.__context__, (KeyboardInterrupt, MemoryError)):
                raise error.__context__ from None  # it came while a method of ours was running
            return str(error)
        return None

    def on_message_begin(self) -> None:
        self.stray = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        # httptools strips the left side only
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def on_body(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        self.complete = True
