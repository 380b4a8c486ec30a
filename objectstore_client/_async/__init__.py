"""The I/O shell, async: the source from which `_sync` is generated."""
