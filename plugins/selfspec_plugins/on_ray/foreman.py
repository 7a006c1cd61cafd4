"""The process that is connected to Ray: takes questions from `Line`, has actors answer them."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import sys
import threading
from typing import Any, BinaryIO

from selfspec_core.config import ExecutorSettings
from selfspec_plugins.on_ray.crew import Broken, Crew, Lost

_PATIENCE = 10.0
"""Seconds for a head node to answer at its address."""


def main() -> None:
    """Reads questions from standard input, writes replies to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks decides when to stop
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Ray prints must not end up among the replies

    def say(state: str, value: Any) -> None:
        pickle.dump((state, value), out)
        out.flush()

    begin = pickle.load(sys.stdin.buffer)
    executor: ExecutorSettings = begin[3]
    try:
        connect(executor.address)
        cluster = Cluster(begin)
    except Exception as error:
        say("failed", problem(executor.address, error))
        return
    count = executor.actors or max(1, cluster.room())
    say("connected", count)
    asyncio.run(_serve(cluster, count, say))
    os._exit(0)  # Ray ends the actors of a process that has ended


async def _serve(cluster: Cluster, count: int, say: Any) -> None:
    """Passes questions on until nobody asks any more."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def listen(source: BinaryIO) -> None:
        while True:
            try:
                message = pickle.load(source)
            except BaseException:  # nobody asks any more, or what came cannot be read
                message = None
            loop.call_soon_threadsafe(heard.put_nowait, message)
            if message is None:
                return

    threading.Thread(target=listen, args=(sys.stdin.buffer,), daemon=True).start()
    crew = Crew(cluster.hire, count, say, cluster.executor.patience, cluster.wanted)
    while (message := await heard.get()) is not None:
        what, key, value = message
        if what == "adapter":
            cluster.keep(key, value)
        else:
            crew.ask(key, value)
    await cluster.close()


def connect(address: str | None) -> None:
    """Connects this process to a cluster.

    Raises:
        Exception: whatever Ray raises, or OSError if nothing answers at the address.
    """
    import ray

    if address not in (None, "auto"):
        host, _, port = str(address).rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    ray.init(address, include_dashboard=False, log_to_driver=False, configure_logging=False)


def problem(address: str | None, error: Exception) -> str:
    """Returns in one line why there is no connection."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if address == "auto":
        return f"--address auto: no cluster runs on this machine ({first})"
    where = f"--address {address}: " if address else ""
    return f"{where}{first}; expected HOST:PORT of a running head node (`ray start --head`)"


class Cluster:
    """What the cluster has, and the actors that are asked of it."""

    def __init__(self, begin: Any) -> None:
        import ray

        from selfspec_plugins.on_ray.actor import Actor, likeness

        model, settings, described, self.executor, threads = begin
        self._ray, self._adapters, self._actors = ray, dict[str, Any](), list[RayActor]()
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = self.executor.gpus
        if gpus is None:
            gpus = float(any(node.get("GPU") for node in nodes))
        cpus = self.executor.cpus
        if cpus is None:
            cpus = 1.0 if gpus else float(threads)
        self._needs = {"CPU": cpus, "GPU": gpus}
        self._nodes = nodes
        self._class = ray.remote(Actor).options(
            num_cpus=cpus, num_gpus=gpus, max_restarts=0, scheduling_strategy="SPREAD"
        )
        self._arguments = (model, settings, likeness(described))

    def room(self) -> int:
        """Returns for how many actors there is room, were nobody else there."""
        needs = {what: much for what, much in self._needs.items() if much}
        return sum(
            min((int(node.get(what, 0) / much) for what, much in needs.items()), default=1)
            for node in self._nodes
        )

    def wanted(self) -> str:
        """Returns what an actor needs and what the cluster has, for a message."""
        has = self._ray.cluster_resources()
        need, there = (
            " and ".join(f"{table.get(what, 0):g} {what}" for what in ("CPU", "GPU"))
            for table in (self._needs, has)
        )
        return f"each needs {need} free, and the cluster has {there} (executor.cpus, executor.gpus)"

    def keep(self, key: str, files: dict[str, bytes]) -> None:
        """Puts the files of an adapter where all actors find them."""
        self._adapters[key] = self._ray.put(files)

    def hire(self) -> RayActor:
        """Asks for an actor."""
        self._actors = [actor for actor in self._actors if not actor.ended]
        self._actors.append(RayActor(self._class.remote(*self._arguments), self._adapters))
        return self._actors[-1]

    async def close(self) -> None:
        """Has the actors tidy up, if they get to it soon."""
        tidy = [asyncio.ensure_future(actor.tidy()) for actor in self._actors if not actor.ended]
        if tidy:
            await asyncio.wait(tidy, timeout=2)


class RayActor:
    """One actor, with Ray's errors told apart."""

    def __init__(self, handle: Any, adapters: dict[str, Any]) -> None:
        self._handle, self._adapters, self.ended = handle, adapters, False

    async def ready(self) -> str:
        """Returns the machine's name once the model is loaded there."""
        place, unfit = await self._asked(self._handle.ready.remote())
        if unfit:
            raise Broken(f"on {place}: {unfit}")
        return str(place)

    async def answer(self, question: tuple[bytes, str | None]) -> tuple[str, Any]:
        """Returns state and value of the reply."""
        packed, key = question
        files = [self._adapters[key]] if key else []  # in a list it stays a reference
        state, value = await self._asked(self._handle.answer.remote(packed, key, files))
        return state, value

    async def tidy(self) -> None:
        """Removes what the actor has written."""
        await self._asked(self._handle.close.remote())

    def end(self) -> None:
        """Lets it go."""
        import ray

        self.ended = True
        ray.kill(self._handle)

    async def _asked(self, reference: Any) -> Any:
        from ray.exceptions import RayError, RayTaskError

        try:
            return await reference
        except RayTaskError as error:
            raise Broken(_last(error)) from None
        except RayError as error:
            raise Lost(_last(error)) from None


def _last(error: Exception) -> str:
    """Returns what an error of Ray's comes down to: the line after its traceback, if it has one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return (lines[-1] if "Traceback" in str(error) else lines[0].partition(". ")[0])[:160]


if __name__ == "__main__":
    main()
