"""What the process is told before the database is open: who wins, what is refused and shown."""

from pathlib import Path
from typing import Any

import pytest

from jackfield.settings import (
    LogLevel,
    Role,
    Settings,
    SettingsError,
    describe,
    is_loopback,
    load_settings,
)


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `jackfield.toml` of this machine is read."""
    monkeypatch.chdir(tmp_path)


def refusal(environment: dict[str, str], **overrides: object) -> str:
    """What the settings are refused with."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environment, overrides=overrides)
    return str(refused.value)


def test_the_defaults_reach_nobody_outside() -> None:
    """An installation that was told nothing listens on this machine only."""
    settings = load_settings({})

    assert settings == Settings()
    assert (settings.url, settings.listen_host, settings.listen_port) == (
        "http://127.0.0.1:8200",
        "127.0.0.1",
        8200,
    )
    assert settings.roles == (Role.WEB, Role.SYNC)
    assert is_loopback(settings.listen_host)


def test_the_tenant_of_a_command_is_no_setting() -> None:
    """With `JACKFIELD_TENANT` exported every command still finds its server, and one starts."""
    assert load_settings({"JACKFIELD_TENANT": "Harbour Dental"}) == Settings()


def test_command_line_beats_environment_beats_file(tmp_path: Path) -> None:
    """The nearer to the hand, the stronger."""
    file = tmp_path / "own.toml"
    file.write_text('data_dir = "of-file"\nlog_level = "error"\nlisten = "127.0.0.1:1"\n')
    environment = {
        "JACKFIELD_CONFIG": str(file),
        "JACKFIELD_DATA_DIR": "of-environment",
        "JACKFIELD_LISTEN": "127.0.0.1:2",
        "PATH": "/bin",
    }

    settings = load_settings(environment, overrides={"listen": "127.0.0.1:3", "data_dir": None})

    assert settings.log_level is LogLevel.ERROR
    assert settings.data_dir == Path("of-environment")
    assert settings.listen == "127.0.0.1:3"


def test_the_file_is_the_named_one_else_that_of_the_folder(tmp_path: Path) -> None:
    """Named by hand before named by the environment before the one that lies there."""
    for name in ("jackfield", "environment", "hand"):
        (tmp_path / f"{name}.toml").write_text(f'data_dir = "{name}"')
    environment = {"JACKFIELD_CONFIG": "environment.toml"}

    assert load_settings({}).data_dir == Path("jackfield")
    assert load_settings(environment).data_dir == Path("environment")
    assert load_settings(environment, file=Path("hand.toml")).data_dir == Path("hand")


def test_every_setting_can_stand_in_the_file_and_in_the_environment(tmp_path: Path) -> None:
    """Lists as lists, switches as switches; in the environment as text."""
    (tmp_path / "jackfield.toml").write_text(
        'data_dir = "d"\ndatabase_url = "postgresql:///x"\nlisten = "[::1]:9"\n'
        'public_url = "https://pbx.example.org/"\nallow_insecure_http = true\n'
        'trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]\nlog_level = "debug"\nroles = ["sync"]\n'
    )
    from_file = load_settings({})
    (tmp_path / "jackfield.toml").unlink()

    from_environment = load_settings(
        {
            "JACKFIELD_DATA_DIR": "d",
            "JACKFIELD_DATABASE_URL": "postgresql:///x",
            "JACKFIELD_LISTEN": "[::1]:9",
            "JACKFIELD_PUBLIC_URL": "https://pbx.example.org/",
            "JACKFIELD_ALLOW_INSECURE_HTTP": "Yes",
            "JACKFIELD_TRUSTED_PROXIES": " 127.0.0.1 , 10.0.0.0/8 ,",
            "JACKFIELD_LOG_LEVEL": "DEBUG",
            "JACKFIELD_ROLES": "sync",
        }
    )

    assert from_file == from_environment
    assert (from_file.url, from_file.listen_host) == ("https://pbx.example.org", "::1")
    unchanged = [
        name
        for name in Settings.__struct_fields__
        if getattr(from_file, name) == getattr(Settings(), name)
    ]
    assert unchanged == []


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        pytest.param("JACKFIELD_DATABSE_URL", "JACKFIELD_DATABASE_URL", id="letters_swapped"),
        pytest.param("JACKFIELD_LISTN", "JACKFIELD_LISTEN", id="letter_missing"),
        pytest.param("JACKFIELD_LOGLEVEL", "JACKFIELD_LOG_LEVEL", id="underscore_missing"),
        pytest.param("JACKFIELD_PUBLICURL", "JACKFIELD_PUBLIC_URL", id="words_joined"),
        pytest.param("JACKFIELD_ROLE", "JACKFIELD_ROLES", id="singular"),
    ],
)
def test_an_unknown_variable_names_the_nearest_known_one(wrong: str, right: str) -> None:
    """A typing error must not become a silent default."""
    text = refusal({wrong: "x"})

    assert f"in the environment variable {wrong}" in text
    assert f"The nearest known one is {right!r}" in text


def test_an_unknown_key_in_the_file_names_file_and_nearest(tmp_path: Path) -> None:
    """The same for the file, in its own spelling."""
    (tmp_path / "jackfield.toml").write_text("databse_url = 'postgresql:///x'")

    text = refusal({})

    assert "Unknown setting 'databse_url' in the file jackfield.toml" in text
    assert "The nearest known one is 'database_url'" in text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"listen = ", "is not valid TOML", id="no_toml"),
        pytest.param(b"listen = '\xff'", "is not valid TOML", id="no_utf8"),
        pytest.param(b"listen = 8200", "'listen' cannot be used: expected `str`", id="a_number"),
        pytest.param(b"roles = 'web'", "'roles' cannot be used: expected `array`", id="no_list"),
        pytest.param(b"[listen]\nport = 1", "'listen' cannot be used", id="a_table"),
        pytest.param(b"data_dir = 7", "'data_dir' is 7; it takes the path", id="no_path"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    """With the place, and no traceback."""
    (tmp_path / "jackfield.toml").write_bytes(content)

    assert says in refusal({})


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """Whoever names one means it."""
    missing = tmp_path / "none.toml"

    assert f"Cannot read the settings file {missing}: No such file" in refusal(
        {"JACKFIELD_CONFIG": str(missing)}
    )
    assert "Is a directory" in refusal({"JACKFIELD_CONFIG": str(tmp_path)})


CLEAR_TEXT = "without encryption"
REFUSED = [
    pytest.param({"LISTEN": "127.0.0.1"}, "an address and a port", id="no_port"),
    pytest.param({"LISTEN": ":8200"}, "an address and a port", id="no_address"),
    pytest.param({"LISTEN": "127.0.0.1:65536"}, "an address and a port", id="port_too_large"),
    pytest.param({"LISTEN": "127.0.0.1:\u0668\u0662"}, "an address and a port", id="other_digits"),
    pytest.param({"LISTEN": "127.0.0.1:-1"}, "an address and a port", id="negative_port"),
    pytest.param({"LISTEN": "256.1.1.1:80"}, "'256.1.1.1' is no address", id="beyond_255"),
    pytest.param({"LISTEN": "10.1:80"}, "'10.1' is no address", id="half_an_ipv4"),
    pytest.param({"LISTEN": "[::zz]:80"}, "'::zz' is no address", id="no_ipv6"),
    pytest.param({"LISTEN": "::80:8200x:1"}, "is no address", id="too_many_colons"),
    pytest.param({"LISTEN": "0.0.0.0:8200"}, CLEAR_TEXT, id="everybody_in_clear_text"),
    pytest.param({"LISTEN": "[::]:8200"}, CLEAR_TEXT, id="everybody_by_ipv6"),
    pytest.param({"LISTEN": "10.0.0.1:8200"}, CLEAR_TEXT, id="the_office_in_clear_text"),
    pytest.param({"PUBLIC_URL": "http://pbx.example.org"}, CLEAR_TEXT, id="public_http"),
    pytest.param({"PUBLIC_URL": "pbx.example.org"}, "scheme and host only", id="no_scheme"),
    pytest.param({"PUBLIC_URL": "ftp://pbx.example.org"}, "scheme and host only", id="ftp"),
    pytest.param({"PUBLIC_URL": "https://x.org/pbx"}, "scheme and host only", id="a_path"),
    pytest.param({"PUBLIC_URL": "https://x.org?a=1"}, "scheme and host only", id="a_query"),
    pytest.param({"PUBLIC_URL": "https://x.org#a"}, "scheme and host only", id="a_fragment"),
    pytest.param({"PUBLIC_URL": "https://u:p@x.org"}, "scheme and host only", id="a_password"),
    pytest.param({"PUBLIC_URL": "https://x.org:99999"}, "scheme and host only", id="no_such_port"),
    pytest.param({"PUBLIC_URL": "https://[bad"}, "scheme and host only", id="half_an_address"),
    pytest.param({"PUBLIC_URL": "https://"}, "scheme and host only", id="no_host"),
    pytest.param({"DATABASE_URL": "mysql://x"}, "must begin with 'postgresql://'", id="mysql"),
    pytest.param({"DATABASE_URL": "sqlite:///x"}, "leave it empty for SQLite", id="sqlite"),
    pytest.param({"LOG_LEVEL": "loud"}, "It takes: debug, info, warning, error.", id="level"),
    pytest.param({"ROLES": "web,sinc"}, "the nearest one is 'sync'", id="unknown_role"),
    pytest.param({"ROLES": "web"}, "leaves out 'sync', and on SQLite", id="role_left_out"),
    pytest.param({"ROLES": " , "}, "'roles' is empty", id="no_role"),
    pytest.param({"ALLOW_INSECURE_HTTP": "perhaps"}, "expected `bool`", id="no_switch"),
    pytest.param({"TRUSTED_PROXIES": "10.0.0.0/99"}, "'10.0.0.0/99'", id="no_network"),
    pytest.param({"TRUSTED_PROXIES": "proxy.local"}, "neither an address nor", id="a_name"),
    pytest.param({"DATA_DIR": ""}, "the path of a folder", id="no_folder"),
    pytest.param({"DATA_DIR": "a\0b"}, "the path of a folder", id="nul_in_the_folder"),
]


@pytest.mark.parametrize(("given", "says"), REFUSED)
def test_what_cannot_be_used_is_refused_by_name(given: dict[str, str], says: str) -> None:
    """At the start, before anything is opened, with what would be right."""
    text = refusal({f"JACKFIELD_{name}": value for name, value in given.items()})

    assert says in text
    assert next(iter(given)).lower() in text or says == CLEAR_TEXT


@pytest.mark.hostile
@pytest.mark.parametrize("name", sorted(Settings.__struct_fields__))
@pytest.mark.parametrize(
    "value",
    ["\0", "\ud800", "x" * 100_000, "[" * 500, "${HOME}", "../../../etc", "\u202e", "9" * 400],
    ids=["nul", "half", "endless", "brackets", "variable", "way_up", "backwards", "number"],
)
def test_nonsense_never_becomes_a_traceback(name: str, value: str) -> None:
    """Whatever stands in the environment: settings, or a refusal in words."""
    try:
        told = str(describe(load_settings({f"JACKFIELD_{name.upper()}": value})))
    except SettingsError as refused:
        told = str(refused)

    assert name in told or CLEAR_TEXT in told


@pytest.mark.parametrize(
    ("given", "url"),
    [
        pytest.param({"listen": "[::1]:8200"}, "http://[::1]:8200", id="ipv6"),
        pytest.param({"listen": "localhost:1"}, "http://localhost:1", id="name"),
        pytest.param(
            {"listen": "0.0.0.0:80", "allow_insecure_http": True},
            "http://0.0.0.0:80",
            id="insecure_on_purpose",
        ),
        pytest.param(
            {"listen": "0.0.0.0:80", "public_url": "https://x.org/"},
            "https://x.org",
            id="behind_tls",
        ),
        pytest.param({"public_url": "http://localhost:9"}, "http://localhost:9", id="loopback"),
    ],
)
def test_the_address_is_shown_as_people_type_it(given: dict[str, Any], url: str) -> None:
    """It is printed at the start and stands in mails later."""
    assert load_settings({}, overrides=given).url == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("", "", id="sqlite"),
        pytest.param("postgresql:///x", "postgresql:///x", id="none"),
        pytest.param("postgresql://u@h/x", "postgresql://u@h/x", id="user_only"),
        pytest.param("postgresql://u:secret@h/x", "postgresql://u:***@h/x", id="plain"),
        pytest.param("postgresql://u:se%40cret@h/x", "postgresql://u:***@h/x", id="encoded"),
        pytest.param("postgresql://u:se:secret@h/x", "postgresql://u:***@h/x", id="colon"),
        pytest.param("postgresql://u:a@secret@h/x", "postgresql://u:***@h/x", id="at"),
        pytest.param("postgresql://u:secret/x@h/x", "postgresql://u:***@h/x", id="slash"),
        pytest.param("postgresql://u:secret?x@h/x", "postgresql://u:***@h/x", id="question_mark"),
        pytest.param("postgresql://h:5432/x?user=a@b", "postgresql://h:***@b", id="too_much"),
        pytest.param("postgresql://h/x?user=a@b", "postgresql://h/x?user=a@b", id="at_in_query"),
        pytest.param(
            "postgresql:///x?user=u&password=secret&host=h",
            "postgresql:///x?user=u&password=***&host=h",
            id="in_the_query",
        ),
        pytest.param("postgresql:///x?PASSWORD=secret", "postgresql:///x?PASSWORD=***", id="case"),
        pytest.param("postgresql://[bad", "postgresql://[bad", id="malformed"),
    ],
)
def test_doctor_never_shows_a_password(url: str, shown: str) -> None:
    """Its output is what people paste into a ticket."""
    told = describe(load_settings({}, overrides={"database_url": url}))

    assert told["database_url"] == shown
    assert "secret" not in str(told)
    assert told.keys() == set(Settings.__struct_fields__)
    assert told["roles"] == "web, sync"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:
    """Clear text is allowed nowhere else."""
    assert is_loopback(host) is expected
