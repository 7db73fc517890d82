"""`python -m services.standalone`: the whole platform on one machine, until Ctrl-C."""
from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import grpc

from services.standalone import demonstration
from services.standalone.console import Display
from services.standalone.folder import held, must_have_its_log
from services.standalone.platform import Platform
from services.standalone.settings import StandaloneSettings
from vonglau.cli.output import Output
from vonglau.cli.session import PLATFORM, Session
from vonglau.errors import Refused, Unavailable
from vonglau.identity import LocalIssuer
from vonglau.rpc import error_of
from vonglau.settings import Misconfigured, load

RETRY_S, MOST_RETRY_S = 0.1, 5.0


async def main(settings: StandaloneSettings) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    LocalIssuer(settings.data / "identity")  # made at the first start; the services verify with its public half
    session = Session(settings.data, "", Output())
    display = Display(session)
    platform = Platform(settings, display.say)
    display.say(f"starting on {settings.data}; logs in {settings.log_dir}; Ctrl-C ends it")
    port = platform.start()
    registering = asyncio.create_task(register_cameras(session, settings.simulated_cameras, port, display.say))
    async with display.shown():
        await stop.wait()
    display.say("ending")
    registering.cancel()
    await asyncio.gather(registering, return_exceptions=True)
    await platform.stop()
    display.say("ended")


async def register_cameras(session: Session, count: int, port: int, say: Callable[[str], None]) -> None:
    """As soon as registry answers; nothing changes where they are registered already. What keeps them from it is said when it changes."""
    wait, said = RETRY_S, ""
    while count:
        try:
            async with session.registry(PLATFORM) as as_platform, session.registry() as as_local:
                refused = await demonstration.register(as_platform, as_local, count, port)
        except (grpc.aio.AioRpcError, Unavailable) as failed:
            error = error_of(failed) if isinstance(failed, grpc.aio.AioRpcError) else failed
            if not isinstance(error, Unavailable) and said != error.reason:  # a service that is away is shown without this
                said = error.reason
                say(f"the simulated cameras can't be registered, and it is tried again: {error.message} ({error.reason})")
            await asyncio.sleep(wait)
            wait = min(wait * 1.2, MOST_RETRY_S)
        else:
            for one in refused:
                say(f"{one.camera} is not registered: {one.message} ({one.reason})")
            return


def run() -> int:
    """The exit code."""
    try:
        settings = load(StandaloneSettings, os.environ)
        with held(settings.data):
            must_have_its_log(settings.data)
            asyncio.run(main(settings))
    except (Misconfigured, Refused, OSError) as error:
        sys.stderr.write(f"the platform cannot start: {error}\n")
        return 2 if isinstance(error, Misconfigured) else 1
    return 0


if __name__ == "__main__":
    os.umask(0o077)  # what the platform keeps is its owner's alone
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # children are other programs; without it gRPC complains at each of their starts
    sys.exit(run())
