"""How often something may be tried that a stranger could guess: counted in Redis, for a network and for a gmina.

Unlike other limits these fail closed: while Redis is away nobody may guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import redis
import structlog
from flask import abort, g, request
from redis.backoff import NoBackoff
from redis.retry import Retry

from skarbnik.web.frame import instance_of_app
from skarbnik.web.limits import network_of

log = structlog.get_logger()


@dataclass(frozen=True)
class Guesses:
    """So many tries in so many seconds: of one network, and of all who ask in one gmina."""

    name: str
    of_network: int
    of_gmina: int
    seconds: int

    def count(self) -> None:
        """Count one try before it is looked at. 429 when there were too many, 503 when nobody can say how many."""
        limits = {self._network(): self.of_network, self._gmina(): self.of_gmina}
        try:
            line = open_redis().pipeline(transaction=True)
            for key in limits:
                line.set(key, 0, ex=self.seconds, nx=True)
                line.incr(key)
            counted = line.execute()[1::2]
        except redis.RedisError as error:
            log.error("guesses.uncounted", what=self.name, error=type(error).__name__)
            abort(503)
        if any(tries > most for tries, most in zip(counted, limits.values(), strict=True)):
            log.warning("guesses.too_many", what=self.name, of_network=counted[0], of_gmina=counted[1])
            abort(429)

    def forgive(self) -> None:
        """The try was right: it is not counted for the gmina, so that many honest people do not keep others out."""
        try:
            line = open_redis().pipeline(transaction=True)
            line.set(self._gmina(), 0, ex=self.seconds, nx=True)  # its time may be over: one begun here ends too
            line.decr(self._gmina())
            line.execute()
        except redis.RedisError as error:
            log.error("guesses.uncounted", what=self.name, error=type(error).__name__)

    def _network(self) -> str:
        return f"{self._gmina()}:{network_of(request.remote_addr, v4=32, v6=48)}"

    def _gmina(self) -> str:
        return f"skarbnik:guesses:{self.name}:{g.tenant.id}"


def open_redis() -> redis.Redis:
    """Redis for what fails closed: it answers at once or not at all."""
    return _redis(instance_of_app().settings.redis_url)


@lru_cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))
