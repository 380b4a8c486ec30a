"""Ways in that are none: texts that are no token, tokens and URLs that were changed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from objectstore_client import Objectstore, Scope, SecretKey, Usecase
from objectstore_client.devserver import AuthKey, DevServer
from tests.devserver.wire import ask
from tests.support.keys import KID, PUBLIC_PEM, SEED

CALM = settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SECRET = b"what nobody may read"
VISIBLE = st.characters(min_codepoint=33, max_codepoint=126)


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[str, str, str]]:
    """A server that demands tokens, with one object: its URL, a token, a pre-signed URL."""
    with (
        DevServer(auth_keys=[AuthKey(KID, PUBLIC_PEM)]) as server,
        Objectstore(server.url, token=SecretKey(KID, SEED)) as store,
    ):
        client = store.get_client(Usecase("test"), Scope(org=17))
        client.put(SECRET, id="o", compression="none")
        yield server.url, client.mint_token(), client.presigned_url("o").removeprefix(server.url)


def refused(url: str, target: str, token: str | None = None) -> bool:
    """Whether a read is refused, in the way that is for it, and without the object."""
    headers = [] if token is None else [("x-os-auth", f"Bearer {token}")]
    answer = ask(url, "GET", target, headers)
    return answer.status in (400, 401, 403) and SECRET not in answer.body


@CALM
@given(
    st.text(VISIBLE, max_size=60)
    | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,3}", fullmatch=True)
)
def test_no_text_is_a_token(guarded: tuple[str, str, str], text: str) -> None:
    """In the header or in the query."""
    url, _, _ = guarded
    assert refused(url, "/v1/objects/test/org=17/o", text)
    assert refused(url, f"/v1/objects/test/org=17/o?os_auth={quote(text, safe='')}")


@CALM
@given(st.data())
def test_no_change_of_a_token_goes_unseen(
    guarded: tuple[str, str, str], data: st.DataObject
) -> None:
    """One character or more of it, anywhere, but for the bits that base64 does not use."""
    url, token, _ = guarded
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(VISIBLE.filter(lambda letter: letter != token[place]))
    assert refused(url, "/v1/objects/test/org=17/o", token[:place] + other + token[place + 1 :])
    assert refused(url, "/v1/objects/test/org=17/o", token[:place])


@CALM
@given(st.data())
def test_no_change_of_a_signed_url_goes_unseen(
    guarded: tuple[str, str, str], data: st.DataObject
) -> None:
    """Anywhere in path or query, but for the same bits, and the case of names."""
    url, _, target = guarded
    start = len("/v1/objects/test/")
    # With other slashes or question marks it may have no route, and so no key to be checked.
    places = [place for place in range(start, len(target) - 1) if target[place] not in "/?"]
    place = data.draw(st.sampled_from(places))
    same = {target[place].lower(), "/", "?"}
    other = data.draw(VISIBLE.filter(lambda letter: letter.lower() not in same))
    answer = ask(url, "GET", target[:place] + other + target[place + 1 :])
    assert answer.status in (400, 401, 403)
    assert SECRET not in answer.body
