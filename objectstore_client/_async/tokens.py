"""The headers that go out with every attempt: the token that allows it, and the trace it is of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from objectstore_client._httpx import hide
from objectstore_client._runtime import AsyncTurns, ask_async
from objectstore_client.errors import (
    BadRequestError,
    InvalidArgumentError,
    ObjectstoreError,
    TokenProviderError,
)
from objectstore_client.scope import Scope
from objectstore_client.signing import AsyncTokenSource, SecretKey
from objectstore_client.tokens import HELD_LIMIT, HeldToken, check_token, resources
from objectstore_client.tracing import trace_headers
from objectstore_client.usecase import Usecase

__all__ = ["AsyncAttemptHeaders", "AsyncTokens"]


class AsyncTokens:
    """Hands out tokens, each one until most of its life is over.

    Those of a key are of one usecase and scope each; a string, or what a function returns, is for
    all of them. While one task renews a token, the others go on with the one they have.

    Args:
        source: Where tokens come from; `None` for none at all.

    Attributes:
        key: The key, if that is where they come from.
        sent: Whether there are any.

    Raises:
        InvalidArgumentError: If it is nothing of the kind.
    """

    def __init__(self, source: AsyncTokenSource | None) -> None:
        self._held: dict[tuple[str, str], HeldToken] = {}
        self._turns = AsyncTurns()
        self.key = source if isinstance(source, SecretKey) else None
        self._provider: Callable[[], object] | None = None
        if isinstance(source, str):
            token = check_token("token", source)
            self._provider = lambda: token
        elif callable(source):
            self._provider = source
        elif source is not None and self.key is None:
            raise InvalidArgumentError(
                "token: must be a SecretKey, a string, or a function that returns one, "
                f"got {type(source).__name__}"
            )
        self.sent = source is not None

    async def get(self, usecase: Usecase, scope: Scope) -> HeldToken:
        """The token for *usecase* and *scope*."""
        held = self._held.get(self._slot(usecase, scope))
        if held is not None and time.time() < held.renew_at:
            return held
        return await self._renewed(usecase, scope, None)

    async def replaced(self, refused: HeldToken, usecase: Usecase, scope: Scope) -> bool:
        """Whether there is another token than the one that a server *refused*."""
        return await self._renewed(usecase, scope, refused) != refused

    async def _renewed(
        self, usecase: Usecase, scope: Scope, refused: HeldToken | None
    ) -> HeldToken:
        slot, lock = self._slot(usecase, scope), self._turns.lock()
        held = self._held.get(slot)
        if lock.locked() and held is not None and held != refused and time.time() < held.expires:
            return held
        async with lock:
            held = self._held.get(slot)
            if held is not None and held != refused and time.time() < held.renew_at:
                return held  # somebody else was here meanwhile
            token = await self._obtain(usecase, scope)
            self._held.pop(slot, None)
            if len(self._held) >= HELD_LIMIT:
                del self._held[next(iter(self._held))]
            held = self._held[slot] = HeldToken.of(token, time.time())
            return held

    async def _obtain(self, usecase: Usecase, scope: Scope) -> str:
        if self._provider is None:
            assert self.key is not None
            return self.key.token(resources(usecase.name, scope))
        try:
            answer = await ask_async(self._provider)
        except Exception as cause:
            raise TokenProviderError("the token provider failed") from cause
        try:
            return check_token("token", answer)
        except InvalidArgumentError as error:
            raise TokenProviderError(f"the token provider returned no token: {error}") from None

    def _slot(self, usecase: Usecase, scope: Scope) -> tuple[str, str]:
        return (usecase.name, scope.path) if self._provider is None else ("", "")


class AsyncAttemptHeaders:
    """Makes the headers of each attempt of one call, and knows the token of the last one."""

    __slots__ = ("_held", "_replaced", "_scope", "_tokens", "_traces", "_usecase")

    def __init__(
        self, tokens: AsyncTokens, usecase: Usecase, scope: Scope, *, propagate_traces: bool
    ) -> None:
        self._tokens = tokens
        self._usecase = usecase
        self._scope = scope
        self._traces = propagate_traces
        self._held: HeldToken | None = None
        self._replaced = False

    async def next(self) -> Mapping[str, str]:
        """The headers of the next attempt.

        Raises:
            TokenProviderError: If there is no token to be had.
        """
        traces = trace_headers() if self._traces else {}
        if not self._tokens.sent:
            return traces
        held = self._held = await self._tokens.get(self._usecase, self._scope)
        return {**traces, **held.headers} if traces else held.headers

    async def replace(self, status: int | None) -> bool:
        """Whether the next attempt has another token, after the last one was answered with
        *status*: only after a 401, and once in a call.

        Raises:
            TokenProviderError: If there is no token to be had.
        """
        if status != 401 or self._held is None or self._replaced:
            return False
        self._replaced = True
        return await self._tokens.replaced(self._held, self._usecase, self._scope)

    def conceal(self, failure: Exception) -> None:
        """Take the token out of *failure*, should the server have repeated it."""
        if self._held is not None:
            hide(self._held.token, failure)

    def explain(self, error: ObjectstoreError) -> None:
        """Note on *error* what the token may have to do with it."""
        if isinstance(error, BadRequestError) and error.status == 400 and not self._tokens.sent:
            error.add_note(
                "no token was sent: servers that demand one answer 400 (token= sends it)"
            )
