"""Many visitors at once: `python benchmarks/load.py [--sessions 30] [--minutes 10]`, against an app of its
own on 127.0.0.1.

A visitor is a session of the app's websocket, as a browser has it, without the browser's drawing: some
seconds after each page another profile, explanation, what-if or map; now and then the visitor opens the next
link in a new tab, which is a new session. Counted: pages that show an exception, pages that show another
visitor's profile or not the one asked for, how long the server takes from the question to the last element
(median, 95th percentile), and its memory after the first minute, at half time and at the end. It grows until
the caches of the app are full.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Row, at_most, save
from benchmarks.served import await_health, launch
from dskreg.explorer import Explorer

VIEWS = (
    ("recommendations", "user={user}&top={top}"),
    ("recommendations", "user={user}&view=table&diversity=40"),
    ("sampling", "user={user}&item={item}"),
    ("sampling", "user={user}&item={item}&noise=true&seed={top}"),
    ("what_if", "user={user}&item={item}&no_relations=franchise"),
    ("embeddings", "user={user}"),
    ("model", "user={user}"),
)
NAMED = re.compile(r"\buser \**(\d+)", re.IGNORECASE)
NEW_TAB = 0.05


@dataclass
class Outcome:
    """What all visitors saw."""

    asked: int = 0
    sessions: int = 0  # opened in all
    exceptions: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)  # pages that named another user than the visitor
    unnamed: int = 0  # pages that must name the visitor and did not
    seconds: list[float] = field(default_factory=list)


def parsed(message: bytes, outcome: Outcome, user: str, seen: set[str]) -> bool:
    """Take account of one message; is it the end of a page?"""
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    forwarded = ForwardMsg.FromString(message)
    if forwarded.WhichOneof("type") == "delta" and forwarded.delta.WhichOneof("type") == "new_element":
        element = forwarded.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            outcome.exceptions.append(f"{element.exception.type}: {element.exception.message[:200]}")
        if kind in ("heading", "markdown"):
            text = element.heading.body if kind == "heading" else element.markdown.body
            seen.update(NAMED.findall(text))
    # A run that starts itself anew says so too, and is not the end.
    return (
        forwarded.WhichOneof("type") == "script_finished"
        and forwarded.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )


async def page(socket: ClientConnection, name: str, query: str, user: str, outcome: Outcome) -> None:
    """One page, from the question to its last element."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    question = BackMsg()
    question.rerun_script.query_string = query
    question.rerun_script.page_name = "" if name == "recommendations" else name
    began, seen = time.perf_counter(), set[str]()
    await socket.send(question.SerializeToString())
    while not parsed(await asyncio.wait_for(socket.recv(), 60), outcome, user, seen):  # type: ignore[arg-type]
        pass
    outcome.seconds.append(time.perf_counter() - began)
    outcome.asked += 1
    if seen - {user}:
        outcome.strangers.append(f"{name}?{query} named {sorted(seen - {user})}")
    outcome.unnamed += name in ("recommendations", "sampling", "what_if") and user not in seen


async def visitor(
    address: str,
    number: int,
    artifact: str,
    users: list[str],
    items: list[str],
    until: float,
    outcome: Outcome,
) -> None:
    """A user who looks around in an artifact of this name until the time is over."""
    rng = random.Random(number)
    await asyncio.sleep(rng.uniform(0, 5))
    stream = address.replace("http", "ws") + "/_stcore/stream"
    while time.monotonic() < until:
        async with connect(stream, subprotocols=["streamlit"], max_size=None, open_timeout=60) as socket:  # type: ignore[list-item]
            outcome.sessions += 1
            stays = True
            while stays and time.monotonic() < until:
                name, query = rng.choice(VIEWS)
                user = rng.choice(users)
                query = query.format(user=user, item=rng.choice(items), top=rng.choice((5, 10, 20)))
                await page(socket, name, f"artifact={artifact}&{query}", user, outcome)
                await asyncio.sleep(rng.uniform(2, 6))
                stays = rng.random() > NEW_TAB


async def crowd(
    address: str, process: psutil.Process, sessions: int, minutes: float, artifact: Path
) -> tuple[Outcome, dict[str, float]]:
    """All visitors; memory in MB after the first minute, at half time and at the end."""
    explorer, outcome = Explorer.open(artifact), Outcome()
    users, items = (
        [str(u) for u in explorer.user_ids[:400]],
        [str(i) for i in explorer.items["item_id"][:200]],
    )
    until = time.monotonic() + 60 * minutes
    tasks = [
        asyncio.create_task(visitor(address, number, artifact.name, users, items, until, outcome))
        for number in range(sessions)
    ]
    begun, memory = time.monotonic(), {}
    for name, after in (("first_minute_mb", min(60, 20 * minutes)), ("half_mb", 30 * minutes)):
        await asyncio.sleep(max(0.0, begun + after - time.monotonic()))
        memory[name] = round(process.memory_info().rss / 2**20)
    await asyncio.gather(*tasks)
    return outcome, memory | {"end_mb": round(process.memory_info().rss / 2**20)}


def main() -> None:
    """Serve, visit, count; exit code 1 where a page was wrong, whatever the times are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--artifact", type=Path, default=ROOT / "artifacts" / "demo")
    parser.add_argument("--out", type=Path, help="a JSON file")
    given = parser.parse_args()
    with launch(DSKREG_ARTIFACTS=str(given.artifact.parent), DSKREG_RUNS="off") as (address, process):
        await_health(address, process)
        outcome, memory = asyncio.run(
            crowd(address, psutil.Process(process.pid), given.sessions, given.minutes, given.artifact)
        )
    rows = figures(outcome, memory)
    print(*rows, *outcome.exceptions[:5], *outcome.strangers[:5], sep="\n")
    about = f"{given.sessions} visitors for {given.minutes:g} minutes on the artifact {given.artifact.name}"
    save(given.out, rows, ("streamlit", "torch"), about=about)
    sys.exit(1 if outcome.exceptions or outcome.strangers or outcome.unnamed else 0)


def figures(outcome: Outcome, memory: dict[str, int]) -> list[Row]:
    """What is counted, and the bounds."""
    seconds = sorted(outcome.seconds)
    return [
        Row("pages", outcome.asked, ""),
        Row("sessions", outcome.sessions, ""),
        at_most("exceptions", len(outcome.exceptions), "", 0),
        at_most("pages with another visitor's profile", len(outcome.strangers), "", 0),
        at_most("pages that name no visitor", outcome.unnamed, "", 0),
        at_most("a page, median", statistics.median(seconds), "s", 2.0),
        at_most("a page, 95th percentile", seconds[int(0.95 * (len(seconds) - 1))], "s", 5.0),
        Row("memory of the server after the first minute", memory["first_minute_mb"], "MB"),
        Row("memory of the server at half time", memory["half_mb"], "MB"),
        at_most("growth from half time to the end", memory["end_mb"] - memory["half_mb"], "MB", 20),
        at_most("memory of the server at the end", memory["end_mb"], "MB", 1.1 * memory["first_minute_mb"]),
    ]


if __name__ == "__main__":
    main()
