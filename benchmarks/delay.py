"""A TCP proxy on loopback that makes the way to a server long: every byte arrives half a round trip later."""

import asyncio
import contextlib
import threading

BLOCK = 1 << 16


@contextlib.contextmanager
def proxy(address, port, round_trip_s):
    """Yields the loopback port that leads to address:port; bandwidth is not limited."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    server = run(asyncio.start_server(lambda r, w: _serve(r, w, address, port, round_trip_s), "127.0.0.1", 0))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        run(_cancel_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all():
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _serve(near_reader, near_writer, address, port, round_trip_s):
    """One connection. Loopback has shaken hands at once, so the round trip that takes elsewhere comes first."""
    await asyncio.sleep(round_trip_s)
    far_reader, far_writer = await asyncio.open_connection(address, port)
    way_there = _carry(near_reader, far_writer, round_trip_s / 2)
    way_back = _carry(far_reader, near_writer, round_trip_s / 2)
    await asyncio.gather(way_there, way_back)


async def _carry(reader, writer, delay_s):
    """Write what is read, each block delay_s after it came; blocks under way do not wait for each other."""
    clock = asyncio.get_running_loop().time
    under_way = asyncio.Queue()
    delivering = asyncio.create_task(_deliver(under_way, writer, clock))
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK):
            under_way.put_nowait((clock() + delay_s, block))
    under_way.put_nowait((clock() + delay_s, b""))
    await delivering


async def _deliver(under_way, writer, clock):
    """Hand over each block when it is due; an empty one ends the connection."""
    block = b"go on"
    with contextlib.suppress(OSError):
        while block:
            due, block = await under_way.get()
            await asyncio.sleep(due - clock())
            writer.write(block)
            await writer.drain()
    writer.close()
