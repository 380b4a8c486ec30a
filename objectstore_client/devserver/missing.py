"""What to say when the packages of the extra `server` are not installed."""

from __future__ import annotations


class MissingExtraError(ImportError):
    """A package of the extra `server` is not installed."""

    def __init__(self, module: str) -> None:
        super().__init__(
            f"the embedded server needs the extra 'server' ({module!r} is missing); from a "
            "checkout: pip install '.[server]', from a wheel: pip install 'PATH/TO/WHEEL[server]'",
            name=module,
        )
