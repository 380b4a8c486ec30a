"""What may come of each fault: the table that the matrix is judged by.

Rows are the faults of `catalogue`, columns the classes of `operations`. A cell has one entry for
each of `MODES`, or one for all of them; what stands in an entry is allowed alike; `-` means that
the fault can't strike such an operation.

    ok  the right result          C  ConnectError             S  ApiError of the status
    .   the wrong result, which   T  TransportTimeoutError    P  InvalidResponseError
        nothing on the wire       L  ConnectionLostError      I  IntegrityError
        shows

In lower case, as in `l`, the error must say that the operation may have taken effect
(`outcome_unknown`), in upper case that it has not.
"""

from __future__ import annotations

import re
from typing import get_args

from tests.faults.operations import Class

MODES = ("once", "always", "no retries")
"""The fault strikes once, and the client may retry; every time; every time without retries."""

_COLUMNS = get_args(Class)
_OUTCOME = re.compile(r"ok|.")

_TABLES = {
    "connecting": """
#            look     small    large    zstd     put         touch       once         post
refused      ok,C,C   ok,C,C   ok,C,C   ok,C,C   ok,C,C      ok,C,C      ok,C,C       ok,C,C
ignored      ok,T,T   ok,T,T   ok,T,T   ok,T,T   ok,T,T      ok,T,T      ok,T,T       ok,T,T
closed       ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,Ll,Ll    ok,Ll,Ll    okLl,Ll,Ll   okl,Ll,Ll
reset        ok,CL ok,CL ok,CL ok,CL ok,CLcl,CLl ok,CLcl,CLl okCLcl,CLcl,CLl okCLcl,CLcl,CLl
mute         ok,T,T   ok,T,T   ok,T,T   ok,T,T   ok,t,t      ok,t,t      t            t
TLS_mute     T        T        T        T        T           T           T            T
TLS_cut      C        C        C        C        C           C           C            C
TLS_reset    C        C        C        C        C           C           C            C
no_TLS       C        C        C        C        C           C           C            C
""",
    "request": """
#            look     small    large    zstd     put         touch       once         post
late         ok       ok       ok       ok       ok          ok          ok           ok
slow         ok       ok       ok       ok       ok          ok          ok           ok
head_cut     ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      okl,l,l      l
head_reset   ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      okl,l,l      l
head_stall   ok,T,T   ok,T,T   ok,T,T   ok,T,T   ok,t,t      ok,t,t      t            t
body_cut     -        -        -        -        ok,l,l      -           l            l
body_reset   -        -        -        -        ok,l,l      -           l            l
body_stall   -        -        -        -        ok,t,t      -           t            t
""",
    "answer": """
#            look     small    large    zstd     put         touch       once         post
late         ok       ok       ok       ok       ok          ok          ok           ok
slow         ok       ok       ok       ok       ok          ok          ok           ok
drips        ok       ok       ok       ok       ok          ok          ok           ok
cut          ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      l            l
reset        ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      l            l
stall        ok,T,T   ok,T,T   ok,T,T   ok,T,T   ok,t,t      ok,t,t      t            t
garbage      ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      l            l
""",
    "parts of the answer": """
#            look     small    large    zstd     put         touch       once         post
head_cut     ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      l            l
head_reset   ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      l            l
head_stall   ok,T,T   ok,T,T   ok,T,T   ok,T,T   ok,t,t      ok,t,t      t            t
head_drips   T        T        T        T        t           t           t            t
body_cut     -        ok,okL,L ok,okL,L ok,okL,L ok,l,l      -           l            l
body_reset   -        ok,okL,L ok,okL,L ok,okL,L ok,l,l      -           l            l
body_stall   -        ok,okT,T ok,okT,T ok,okT,T ok,t,t      -           t            t
body_drips   -        T        T        T        t           -           t            t
body_flip    -        .        .        I        p           -           p            .p
""",
    "kept connection": """
#            look     small    large    zstd     put         touch       once         post
idle_cut     ok       ok       ok       ok       ok          ok          ok           ok
idle_reset   ok       ok       ok       ok       ok          ok          ok           ok
idle_408     ok       ok       ok       ok       ok          ok          ok           ok
used_cut     ok,ok,L  ok,ok,L  ok,ok,L  ok,ok,L  ok,ok,l     ok,ok,l     okl,okl,l    l
used_reset   ok,ok,L  ok,ok,L  ok,ok,L  ok,ok,L  ok,ok,l     ok,ok,l     okl,okl,l    l
""",
    "status": """
#            look     small    large    zstd     put         touch       once         post
429          ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,S,S      ok,S,S      S            ok,S,S
429_1_s      ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,S,S      ok,S,S      S            ok,S,S
503          ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,s,s      ok,s,s      s            s
503_1_s      ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,s,s      ok,s,s      s            s
503_1_h      S        S        S        S        s           s           s            s
500          ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,s,s      ok,s,s      s            s
502          ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,s,s      ok,s,s      s            s
408          ok,S,S   ok,S,S   ok,S,S   ok,S,S   ok,s,s      ok,s,s      s            s
""",
    "odd answers": """
#            look     small    large    zstd     put         touch       once         post
413_deaf     -        -        -        -        S           -           S            S
413_open     -        -        -        -        S           -           S            S
413_end      -        -        -        -        S           -           S            S
413_close    -        -        -        -        okS,Sl,Sl   -           Sl           Sl
1xx          ok       ok       ok       ok       ok          ok          ok           ok
until_EOF    ok       ok       ok       ok       ok          ok          ok           ok
huge_head    ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      ok,l,l      l            l
""",
    "lengths": """
#            look     small    large    zstd     put         touch       once         post
too_long     -        okL      okL      okL      ok,l,l      -           l            l
too_short    -        .I       .I       I        p           -           p            p
two          ok,L,L   ok,L,L   ok,L,L   ok,L,L   ok,l,l      -           l            l
+chunks      -        ok,L,L   ok,L,L   ok,L,L   ok,l,l      -           l            l
no_end       -        okL      okL      okL      ok,l,l      -           l            l
bad_chunk    -        okL      okL      okL      ok,l,l      -           l            l
""",
}


def allowed(family: str, fault: str, kind: Class) -> tuple[frozenset[str], ...]:
    """What may come of a fault in each of `MODES`; empty if it can't strike such an operation."""
    cell = _ROWS[family, fault][_COLUMNS.index(kind)]
    if cell == "-":
        return ()
    entries = cell.split(",")
    return tuple(
        frozenset(_OUTCOME.findall(entries[min(mode, len(entries) - 1)]))
        for mode in range(len(MODES))
    )


def _rows() -> dict[tuple[str, str], list[str]]:
    rows = {}
    for family, table in _TABLES.items():
        header, *lines = table.strip().splitlines()
        assert tuple(header.split()[1:]) == _COLUMNS, header
        for line in lines:
            name, *cells = line.split()
            assert len(cells) == len(_COLUMNS), line
            rows[family, name.replace("_", " ")] = cells
    return rows


_ROWS = _rows()
FAULTS = tuple(_ROWS)
"""Family and name of each fault with an expectation."""
