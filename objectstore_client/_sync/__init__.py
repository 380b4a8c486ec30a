# Generated from objectstore_client/_async/__init__.py; do not edit. To regenerate: python -m generator
"""The I/O shell, async: the source from which `_sync` is generated."""
