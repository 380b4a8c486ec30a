"""The key of the protocol's test vectors (section 14.4), and one that no server knows."""

from __future__ import annotations

KID = "test-key"
SEED = bytes.fromhex("4e4c352b3212791dfb326c349a33728bef7b46303b466fb8a99c45e412243faf")
PRIVATE_PEM = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIE5MNSsyEnkd+zJsNJozcovve0YwO0ZvuKmcReQSJD+v
-----END PRIVATE KEY-----
"""
PUBLIC_PEM = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPuGHhMq8WtrU8flTFQSfedrCUdhoOHf+wJ1SMT17st4=
-----END PUBLIC KEY-----
"""
OTHER_SEED = bytes(range(32))

VECTOR_TOKEN = (
    "eyJhbGciOiJFZERTQSIsImtpZCI6InRlc3Qta2V5IiwidHlwIjoiSldUIn0.eyJyZXMiOnsib3M6dXNlY2FzZSI6ImF0"
    "dGFjaG1lbnRzIiwib3JnIjoiMTciLCJwcm9qZWN0IjoiKiJ9LCJwZXJtaXNzaW9ucyI6WyJvYmplY3QucmVhZCJdLCJl"
    "eHAiOjQxMDI0NDQ4MDB9.8CeLK0bhLUE1VTvH64BcNe5l3jDaEG_O_2FaLRhzcGiJej7mSPtjGEXJeuB2ZE_1bnDJI5lc"
    "aEB-rb7QtzA-BA"
)
"""Section 13.4: reads `attachments` with `org=17` and any project, until 2100."""
