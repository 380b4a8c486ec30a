# Generated from tests/shell/_async/__init__.py; do not edit. To regenerate: python -m generator
