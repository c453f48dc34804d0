"""Sends messages to a Redis stream at a steady rate: `python -m benchmarks._stream_sender PORT STREAM RATE SECONDS REGIONS`.

A process of its own, as a producer is. Every message is another minute of a region, in turn; prints that it has begun, and in the end how
many were sent, how long that took, and the processor time.
"""

from __future__ import annotations

import sys
import time

import redis

#: Messages sent together: a hundredth of a second's.
PARTS = 100
#: The first minute, in seconds since 1970.
START = 1_700_000_000 // 60 * 60


def record(number: int, regions: int) -> bytes:
    """The message of this number."""
    minute, region = divmod(number, regions)
    return b'{"region":"R%d","date":%d,"value":%d}' % (region, START + 60 * minute, 100 + (7 * minute + region) % 50)


def main(port: int, stream: str, rate: int, seconds: float, regions: int, first: int = 0) -> None:
    client = redis.Redis(port=port)
    count, size = int(rate * seconds), max(rate // PARTS, 1)
    began = time.perf_counter()
    print("begun", flush=True)
    for number in range(0, count, size):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        together = client.pipeline(transaction=False)
        for one in range(number, min(number + size, count)):
            together.xadd(stream, {"data": record(first + one, regions)}, maxlen=2_000_000, approximate=True)
        together.execute()
    print(count, time.perf_counter() - began, time.process_time(), flush=True)


if __name__ == "__main__":
    port, stream, rate, seconds, regions, first = sys.argv[1:]
    main(int(port), stream, int(rate), float(seconds), int(regions), int(first))
