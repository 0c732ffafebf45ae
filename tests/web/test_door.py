"""Who is let in by which name, how much may be sent, and what every answer bears."""

import asyncio

import pytest

from doubles.api_caller import ApiCaller
from doubles.house import House
from doubles.web_visitor import Console, Doorplate, Visitor, open_console

HTTPS = Doorplate(url="https://pbx.example.org", trusted_proxies=("10.0.0.0/8",))


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nothing-here", "/static/console.css", "/api/v1/status", "/live"]
)
async def test_every_answer_bears_the_security_headers(console: Console, path: str) -> None:
    """A page without them could be framed, or run somebody else's script."""
    answer = await console.visitor().get(path)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["permissions-policy"]


async def test_pages_are_not_kept_by_anybody_and_files_are(admin: Visitor) -> None:
    """After signing out on a shared machine the back button must show nothing."""
    page = await admin.get("/users")
    href = next(link["href"] for link in page.page.all("link") if link["rel"] == "stylesheet")
    file = await admin.get(str(href))

    assert page.headers["cache-control"] == "no-store"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/users", "/api/v1/status", "/nothing-here"])
async def test_an_answer_says_where_its_time_went(admin: Visitor, path: str) -> None:
    """A slow page is the database's doing or not: whoever looks into it begins by knowing which."""
    answer = await admin.get(path)

    told = dict(one.split(";dur=") for one in answer.headers["server-timing"].split(", "))
    total, database, turn = (float(told.pop(name)) for name in ("total", "db", "turn"))
    assert told == {}
    assert 0 < database < total
    assert turn == 0


@pytest.mark.parametrize("path", ["/login", "/api/v1/status"])
async def test_who_is_not_signed_in_learns_no_times(console: Console, path: str) -> None:
    """How long a password took to check may tell whether there is such an account."""
    answer = await console.visitor().get(path)

    assert "server-timing" not in answer.headers


async def test_waiting_for_others_who_write_is_told_apart(console: Console, house: House) -> None:
    """While a large sync writes, that is where the time of a form goes."""
    caller = await ApiCaller(console, "").with_token()
    async with house.database.write():
        making = asyncio.create_task(caller.ask("POST", "/tokens", {"name": "slow"}))
        for _ in range(100):
            await asyncio.sleep(0)

    answer = await making

    assert answer.status == 201
    told = dict(one.split(";dur=") for one in answer.headers["server-timing"].split(", "))
    assert 0 < float(told["turn"]) <= float(told["db"])


async def test_an_unchanged_file_is_not_sent_again(console: Console) -> None:
    """Who asks with the mark of what they hold is told that it still holds."""
    visitor = console.visitor()
    first = await visitor.get("/static/console.js")

    again = await visitor.get("/static/console.js", if_none_match=first.headers["etag"])

    assert again.status == 304
    assert again.body == b""


@pytest.mark.parametrize("name", ["../site.py", "..%2fsite.py", "%2e%2e/site.py", "/etc/passwd"])
async def test_only_files_of_the_static_folder_are_served(console: Console, name: str) -> None:
    """The folder beside it holds our source."""
    answer = await console.visitor().get(f"/static/{name}")

    assert answer.status == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("127.0.0.1:8200", 303, id="as_listened"),
        pytest.param("localhost", 303, id="loopback_name"),
        pytest.param("[::1]:9", 303, id="loopback_of_ipv6"),
        pytest.param("LOCALHOST.", 303, id="spelled_otherwise"),
        pytest.param("evil.example", 421, id="somebody_elses_name"),
        pytest.param("127.0.0.1.evil.example", 421, id="looks_like_ours"),
        pytest.param("", 421, id="none"),
        pytest.param("[oops", 421, id="malformed"),
        pytest.param("10.1.2.3", 421, id="another_address"),
    ],
)
async def test_the_console_answers_to_its_own_names_only(
    console: Console, host: str, status: int
) -> None:
    """A page whose name was pointed at this machine must not get to talk to us."""
    answer = await console.visitor(host=host).get("/")

    assert answer.status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [("pbx.example.org", 303), ("PBX.example.org:443", 303), ("10.1.2.3", 303), ("other.org", 421)],
)
async def test_listening_everywhere_it_also_answers_to_addresses(
    house: House, host: str, status: int
) -> None:
    """An address in the Host header cannot be somebody else's page."""
    console = await open_console(
        house, Doorplate(url="https://pbx.example.org", listen_host="0.0.0.0")
    )

    assert (await console.visitor(host=host).get("/")).status == status


async def test_a_refused_name_is_explained_to_people_and_programs(console: Console) -> None:
    """Whoever typed the wrong address should learn that, calmly."""
    stranger = console.visitor(host="evil.example")

    page, problem = await stranger.get("/"), await stranger.get("/api/v1/status")

    assert "Open it by its own address" in page.page.text
    assert problem.headers["content-type"].startswith("application/problem+json")


class TestProxies:
    """Addresses that a header names are believed only where a trusted proxy wrote it."""

    async def tries(self, visitor: Visitor, hops: list[str]) -> list[int]:
        await visitor.get("/login")
        return [
            (await visitor.post("/login", {"name": f"x{at}"}, x_forwarded_for=hop)).status
            for at, hop in enumerate(hops)
        ]

    async def test_a_stranger_cannot_wear_other_addresses(self, house: House) -> None:
        """Else ten tries per address would be any number of tries."""
        console = await open_console(house, HTTPS)
        visitor = console.visitor(host="pbx.example.org", scheme="https", address="203.0.113.9")

        answers = await self.tries(visitor, [f"198.51.100.{n}" for n in range(11)])

        assert answers == [401] * 10 + [429]

    async def test_behind_a_trusted_proxy_each_caller_counts_alone(self, house: House) -> None:
        """Else one attacker would lock out everybody behind the proxy."""
        console = await open_console(house, HTTPS)
        visitor = console.visitor(host="pbx.example.org", scheme="https", address="10.0.0.2")

        answers = await self.tries(visitor, [f"198.51.100.{n}" for n in range(11)])

        assert answers == [401] * 11

    @pytest.mark.parametrize("at", ["10.0.0.2", "::ffff:10.0.0.2"], ids=["ipv4", "on_ipv6"])
    @pytest.mark.parametrize("wrap", ["", "::ffff:"], ids=["as_is", "mapped"])
    async def test_an_ipv4_address_is_one_however_it_is_written(
        self, house: House, at: str, wrap: str
    ) -> None:
        """A socket for IPv6 writes IPv4 its own way: all of IPv4 would be one caller."""
        console = await open_console(house, HTTPS)
        visitor = console.visitor(host="pbx.example.org", scheme="https", address=at)

        many = await self.tries(visitor, [f"{wrap}198.51.100.{n}" for n in range(11)])
        one = await self.tries(visitor, [f"{wrap}203.0.113.9"] * 11)

        assert many == [401] * 11
        assert one == [401] * 10 + [429]

    async def test_what_stands_left_of_an_untrusted_hop_is_not_believed(self, house: House) -> None:
        """A caller may send the header too; only the proxy's own entry counts."""
        console = await open_console(house, HTTPS)
        visitor = console.visitor(host="pbx.example.org", scheme="https", address="10.0.0.2")
        hops = [f"192.0.2.{n}, 203.0.113.9, 10.0.0.1" for n in range(11)]

        answers = await self.tries(visitor, hops)

        assert answers == [401] * 10 + [429]

    async def test_a_whole_ipv6_subscriber_counts_as_one(self, house: House) -> None:
        """One subscriber has more addresses than there are tries in a lifetime."""
        console = await open_console(house, HTTPS)
        visitor = console.visitor(host="pbx.example.org", scheme="https", address="10.0.0.2")

        answers = await self.tries(visitor, [f"2001:db8::{n:x}" for n in range(11)])

        assert answers == [401] * 10 + [429]


class TestSizes:
    """Nobody fills the memory with a form."""

    async def test_an_announced_flood_is_refused_before_it_comes(self, console: Console) -> None:
        answer = await console.visitor().ask(
            "POST", "/login", headers={"content-length": "20000"}, body=b"x"
        )

        assert answer.status == 413
        assert "16 kB" in answer.page.text

    async def test_an_unannounced_flood_is_cut_off(self, console: Console) -> None:
        """Chunked bodies say no length."""
        visitor = console.visitor()
        await visitor.get("/login")
        body = b"name=" + b"x" * 20_000

        answer = await visitor.ask(
            "POST",
            "/login",
            body=body,
            headers={
                "content-length": "0",
                "content-type": "application/x-www-form-urlencoded",
                "origin": "http://127.0.0.1:8200",
            },
        )

        assert answer.status == 413

    @pytest.mark.hostile
    @pytest.mark.parametrize("length", ["-1", "1e3", "٣", "99999999999999999999", "1, 1"])
    async def test_a_length_that_is_none_is_refused(self, console: Console, length: str) -> None:
        headers = {"content-length": "1"}
        visitor = console.visitor()
        answer = await visitor.ask("POST", "/login", headers=headers | {"content-length": length})

        assert answer.status == 413


async def test_over_https_browsers_are_told_to_stay_there(house: House, console: Console) -> None:
    """And on this machine's plain http they are not, or it could not be reached any more."""
    secure = await open_console(house, HTTPS)

    one = await secure.visitor(host="pbx.example.org", scheme="https").get("/login")
    other = await console.visitor().get("/login")

    assert one.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in other.headers
