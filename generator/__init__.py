"""Generates everything in this repository that is generated; see `python -m generator --help`.

Two halves of one idea (source, committed output, a check that they belong together):

* `openapi`: `openapi.yaml` → the low-level client in `generated/objectstore_api/`
* `unasync`: the async shell and its tests → their sync twins

Nothing here is part of the installed package.
"""
