"""Faults on demand: a proxy that breaks connections, servers that lie, and what must survive them.

`proxy` and `liars` make the faults, `leaks` finds what is left behind, `catalogue` and `expected`
say which faults there are and what may come of them, `matrix` runs every operation against all.
"""
