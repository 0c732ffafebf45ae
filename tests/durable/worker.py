"""A process to be killed: it walks accounts page by page and says each deed on standard output.

    worker.py DATABASE_URL EXECUTOR PAGES HANG_AT ACCOUNT...

Each account is queued under its own key. A walk hangs for ever after the deed of page HANG_AT.

Lines out: `ready`, `did ACCOUNT PAGE` (after the deed, before its record), `finished ACCOUNT`,
`adopted N`, `warned TEXT`. Lines in: `adopt EXECUTOR`, `stop`.
"""

import asyncio
import logging
import sys

from jackfield.durable import Durable, Lane, Run

LANE = Lane("lane", poll=0.05, concurrency=8)


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201  # the test listens


class Speaking(logging.Handler):
    """Whatever the libraries warn about goes to the test too."""

    def emit(self, record: logging.LogRecord) -> None:
        say("warned", record.getMessage().replace("\n", " "))


async def main(url: str, executor: str, pages: int, hang_at: int, accounts: list[str]) -> None:
    async def page(account: str, number: int) -> int:
        await asyncio.sleep(0.005)
        say("did", account, number)
        if number == hang_at:
            await asyncio.Event().wait()
        return number

    async def walk(run: Run, account: str) -> int:
        for number in range(pages):
            await run.step("page", page, account, number)
        say("finished", account)
        return pages

    logging.getLogger().addHandler(Speaking(logging.WARNING))
    runner = Durable(url, executor, (LANE,))
    runner.define("walk", LANE, walk)
    await runner.start()
    for account in accounts:
        await runner.enqueue("walk", account, key=account)
    say("ready")
    while True:
        match (await asyncio.to_thread(sys.stdin.readline)).split():
            case ["adopt", dead]:
                say("adopted", len(await runner.adopt(dead)))
            case _:
                break
    await runner.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]))
