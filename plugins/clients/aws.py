"""Services of AWS and those that speak like them: the options that they share, a client, and what an error asks for.

Credentials come the ordinary way: environment, profile, web identity, the role of a container or an instance. They are
refreshed by the library."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from pipeline import api

CONNECT = 10.0
"""Seconds that a connection may take."""

READ = 60.0
"""Seconds without a byte of an answer."""

TRIES = 2
"""How often the library tries by itself. After that it is the engine's turn, which waits longer and says why."""


class Options(api.Options):
    region: str | None = api.option(
        "The region, such as `eu-central-1`; told by the environment or the profile when not given.", default=None
    )
    endpoint: str | None = api.option("Another service than AWS: `http://host:port`.", default=None)
    profile: str | None = api.option("A profile of the AWS configuration files.", default=None)


def check(options: Options) -> None:
    """Raises OptionError."""
    if options.endpoint is not None and not options.endpoint.startswith(("http://", "https://")):
        raise api.OptionError("this is no http url", "endpoint", "write 'https://host:port'")


class Client:
    """A client of one service, from `open` to `close`."""

    def __init__(self, extra: str, service: str, options: Options) -> None:
        self._extra = extra
        self._service = service
        self._options = options
        self._exit = AsyncExitStack()

    async def open(self) -> Any:  # noqa: ANN401 — the library makes its classes at run time
        """The library's client. Raises ConfigurationError without the library, or where region or profile are missing."""
        session, config, errors = api.libraries(
            self._extra, "aiobotocore.session", "aiobotocore.config", "botocore.exceptions"
        )
        from .capped import Capped

        options = self._options
        settings = config.AioConfig(
            http_session_cls=Capped,
            connect_timeout=CONNECT,
            read_timeout=READ,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            user_agent_extra="pipe",
            s3={"addressing_style": "path"} if options.endpoint else None,
        )
        try:
            return await self._exit.enter_async_context(
                session.AioSession(profile=options.profile).create_client(
                    self._service, region_name=self._region, endpoint_url=options.endpoint, config=settings
                )
            )
        except (errors.BotoCoreError, ValueError) as error:
            raise api.ConfigurationError(f"{self._service}: {error}", "See the AWS configuration files.") from error

    @property
    def _region(self) -> str | None:
        # Services that only speak like AWS have no regions, but the signature has one.
        return self._options.region or ("us-east-1" if self._options.endpoint else None)

    async def close(self) -> None:
        await self._exit.aclose()


def failures() -> tuple[type[BaseException], ...]:
    """What calls of a client raise where the service, the network or the credentials are to blame."""
    errors, client = api.libraries("s3", "botocore.exceptions", "aiohttp")
    return (errors.BotoCoreError, errors.ClientError, client.ClientError, TimeoutError, OSError)


def code(error: BaseException) -> str:
    """The service's code of an error, such as `NoSuchKey`; empty for others."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def status(error: BaseException) -> int:
    """The HTTP status of an error; 0 where there was no answer."""
    return int(_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def again(error: BaseException) -> api.Result:
    """The delivery failed with this error, and is to be tried again: when the service says, or soon."""
    headers = _response(error).get("ResponseMetadata", {}).get("HTTPHeaders", {})
    after = str(headers.get("retry-after", ""))
    told = " ".join(str(error).split()) or type(error).__name__
    return api.Result(accepted=False, after=min(float(after), 300.0) if after.isdigit() else 1.0, reason=told)


def _response(error: BaseException) -> Mapping[str, Any]:
    found = getattr(error, "response", None)
    return found if isinstance(found, Mapping) else {}
