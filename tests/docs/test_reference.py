"""Reference pages against the code: everything that exists is written down, and nothing else."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from doubles.documents import PAGES, ROOT, blocks, code, prose, rows
from jackfield.cli.catalogue import CATALOGUE
from jackfield.cli.exits import Exit
from jackfield.cli.main import app
from jackfield.core.actions import ActionKind
from jackfield.core.journal_kinds import ENDS, IN_INSTALLATION, IN_TENANTS, kinds_of
from jackfield.core.people import Scope
from jackfield.core.rules import GuardRules
from jackfield.core.schedule import ScheduleRules
from jackfield.settings import ENVIRONMENT_PREFIX, Settings
from jackfield.store.settings import PeopleSettings
from jackfield.web.api import api_router

DOCS = ROOT / "docs"
API = "/api/v1"


# --- command line ---------------------------------------------------------------------------------


def commands(group: Any = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Every command with its options, as the command line itself knows them."""
    for name in group:
        if name.startswith("-"):
            continue
        command = group[name]
        yield from commands(command, (*path, name))
        if command.default_command is not None:
            options = set()
            for argument in command.assemble_argument_collection():
                kind = argument.field_info.kind
                if kind is kind.KEYWORD_ONLY:
                    options |= set(argument.names)
            yield " ".join((*path, name)), options


COMMANDS = dict(commands())
EVERYWHERE = {"--json", "--data-dir", "--tenant"}


def test_every_command_is_in_the_table_and_no_other() -> None:
    """Each once, with what it takes without a name."""
    table = [code(cells[0])[0] for cells in rows(DOCS / "cli.md", "command")]
    told = [one.removeprefix("jackfield ") for one in table if one.startswith("jackfield ")]
    plain = [" ".join(word for word in one.split() if not word.isupper()) for one in told]

    assert sorted(plain) == sorted(COMMANDS)


def test_every_option_is_in_the_table_and_no_other() -> None:
    """A switch is named as one has to type it to change something."""
    told: dict[str, set[str]] = {name: set() for name in COMMANDS}
    for cells in rows(DOCS / "cli.md", "command"):
        if len(cells) == 3:
            told[code(cells[0])[0]] |= {one.split()[0] for one in code(cells[1])}

    for name, options in COMMANDS.items():
        positive = {one for one in options if not one.startswith("--no-")}
        switched = {one for one in options if one.removeprefix("--no-") != one}
        required = positive - EVERYWHERE - {f"--{one.removeprefix('--no-')}" for one in switched}
        optional = {f"--{one.removeprefix('--no-')}" for one in switched} | switched
        assert required <= told[name], name
        assert told[name] <= required | optional, name
        pairs = {one for one in switched if not told[name] & {one, f"--{one[5:]}"}}
        assert pairs == set(), name


def test_json_and_data_dir_are_where_the_page_says() -> None:
    """Said once for all commands, so it must hold for all."""
    without_json = {name for name, options in COMMANDS.items() if "--json" not in options}
    without_folder = {name for name, options in COMMANDS.items() if "--data-dir" not in options}

    assert without_json == {"serve", "demo"}
    assert without_folder == {"demo"}


def test_commands_about_one_tenant_take_its_name_as_the_page_says() -> None:
    """Whoever has several customers names one with every command but those for all of them."""
    without = {name for name, options in COMMANDS.items() if "--tenant" not in options}
    told = re.search("Every command takes `--tenant NAME` but (.+), which", prose(DOCS / "cli.md"))

    assert told is not None
    assert without == set(re.findall("`([^`]+)`", told[1]))
    text = prose(DOCS / "cli.md")
    assert "Every command but `serve` and `demo` takes `--json`" in text
    assert "Every command but `demo` takes `--data-dir DIR`" in text


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_has_the_first_line_of_each_help(name: str) -> None:
    """It is shown before the command itself is imported; two that differ would mislead."""
    command: Any = app[name]

    assert command.help.strip().splitlines()[0] == CATALOGUE[name][1]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_s_help_has_an_example_that_can_be_typed(name: str) -> None:
    """Whoever asks for help wants to begin; an example that is refused is worse than none."""
    command: Any = app
    for word in name.split():
        command = command[word]
    examples = re.findall(r"^\s*Example: (.+)$", command.default_command.__doc__, re.MULTILINE)

    assert len(examples) == 1
    assert examples[0].startswith(f"jackfield {name}")
    called, bound, _ = app.parse_args(shlex.split(examples[0])[1:], exit_on_error=False)
    assert called is command.default_command
    assert bound is not None


def test_the_exit_codes_are_those_of_the_code() -> None:
    """Scripts live by them."""
    told = [int(first) for first, _ in rows(DOCS / "cli.md", "code")]

    assert told == [one.value for one in Exit]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Any) -> None:
    """With every option that stands beside it."""
    told = [line for block in blocks(page, "sh", "console") for line in block.text.splitlines()]
    told += code(prose(page))
    for line in told:
        for named in re.findall(r"(?:^|[\s/(])jackfield ((?:[a-z][a-z-]* ?)+)([^#`]*)", line):
            words = named[0].split()
            fitting = [name for name in COMMANDS if words[: len(name.split())] == name.split()]
            if not fitting and words[0] in {"&&", "is", "in"}:
                continue
            assert fitting, line
            known = COMMANDS[max(fitting, key=len)]
            options = set(re.findall(r"(--[a-z][a-z-]*)", named[1]))
            assert options <= known | {"--help"}, line


# --- settings of the process ----------------------------------------------------------------------


def test_every_setting_is_in_the_table_with_variable_and_default() -> None:
    """And in the order of the code."""
    told = rows(DOCS / "settings.md", "key")

    assert [code(cells[0])[0] for cells in told] == list(Settings.__struct_fields__)
    for key, variable, default, meaning in told:
        name = code(key)[0]
        assert code(variable) == [f"{ENVIRONMENT_PREFIX}{name.upper()}"]
        assert len(meaning) > 5
        value = getattr(Settings(), name)
        if value in {"", ()}:
            assert default in {"empty", "none"} or "listen" in default
        elif isinstance(value, tuple):
            assert code(default) == [", ".join(value)]
        else:
            assert code(default) == [str(value).lower() if isinstance(value, bool) else str(value)]


def test_the_example_of_a_settings_file_can_be_used(tmp_path: Any) -> None:
    """It is copied by everybody."""
    (block,) = blocks(DOCS / "settings.md", "toml")
    file = tmp_path / "jackfield.toml"
    file.write_text(block.text)
    from jackfield.settings import load_settings

    settings = load_settings({}, file=file)

    assert set(tomllib.loads(block.text)) <= set(Settings.__struct_fields__)
    assert settings.url == "https://pbx.example.org"


# --- API ------------------------------------------------------------------------------------------


def test_every_route_is_in_the_table_and_no_other() -> None:
    """Each with its verb, spelled as in the OpenAPI document."""
    there = {
        f"{method} {route.path_format.removeprefix(API)}"
        for route in api_router().routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    }
    told = [code(first)[0] for first, _ in rows(DOCS / "api.md", "call")]

    assert len(told) == len(set(told))
    assert set(told) == there


def test_every_parameter_that_the_table_names_exists() -> None:
    """And every one of a route is named, but those that all lists have."""
    everywhere = {"limit", "after", "before"}
    routes = {}
    for route in api_router().routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    routes[f"{method} {route.path_format.removeprefix(API)}"] = handler
    for first, meaning in rows(DOCS / "api.md", "call"):
        call = code(first)[0]
        if not call.startswith("GET"):
            continue
        takes = {
            field.name
            for field in routes[call].parsed_fn_signature.parameters.values()
            if type(field.kwarg_definition).__name__ == "QueryParameter"
        }
        named = {one for one in code(meaning) if one.isidentifier() and one != "id"}
        assert named == takes - everywhere, call


def test_every_kind_of_journal_lines_is_in_the_table_and_no_other() -> None:
    """Whoever watches the journal by a script writes these down."""
    told = {
        code(family)[0]: (about, [f"{code(family)[0]}{one}" for one in code(kinds)])
        for family, about, kinds in rows(DOCS / "api.md", "family")
    }
    text = prose(DOCS / "api.md")
    ends = re.search("with what came of it \\((.+?)\\): (.+)\\.\n", text)

    assert told == {
        f"{one}.": (about, list(kinds_of(one)))
        for one, about in {**IN_TENANTS, **IN_INSTALLATION}.items()
        if one not in set(ActionKind)
    }
    assert ends is not None
    assert code(ends[1]) == list(ENDS)
    assert code(ends[2]) == [f"{kind}." for kind in ActionKind]


def test_every_choice_of_the_administrator_is_in_the_table_with_its_default() -> None:
    """A choice that nobody can find is none."""

    def leaves(document: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
        for name, value in document.items():
            path = f"{place}{name}"
            if isinstance(value, dict) and set(value) != {"number", "percent"}:
                yield from leaves(value, f"{path}.")
            else:
                yield path, value

    known = dict(leaves(msgspec.to_builtins(PeopleSettings())))
    told = {code(cells[0])[0]: cells for cells in rows(DOCS / "api.md", "field")}

    assert told.keys() == known.keys()
    for path, value in known.items():
        shown = told[path][1].strip("`")
        match value:
            case {"number": number, "percent": percent}:
                assert shown == f"{number}, {percent:g} %"
            case None | [] | "":
                assert shown in {"none", "the host's"}
            case bool():
                assert shown == str(value).lower()
            case float() | int():
                assert shown == f"{value:g}"
            case _:
                assert shown == value


def test_the_statuses_of_errors_are_those_there_are() -> None:
    """Whatever the API or the door before it answers is explained."""
    from jackfield.web.api.refusals import _MEANINGS

    told = {int(first) for first, _ in rows(DOCS / "api.md", "status")}

    assert set(_MEANINGS) <= told
    assert told - set(_MEANINGS) == {405, 413, 421, 500}


# --- people sync ----------------------------------------------------------------------------------

SYNC = DOCS / "people-sync.md"


def test_the_scopes_bear_the_names_of_the_manual() -> None:
    """By which an administrator of the other product knows them."""
    told = [code(cells[1])[0] for cells in rows(SYNC, "scope")]

    assert told == [scope.value for scope in Scope]


def test_every_rule_of_the_table_has_a_test_of_its_id() -> None:
    """The page says that the ids are those of the tests."""
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    ).lower()
    ids = [one.strip() for cells in rows(SYNC, "id") for one in cells[0].split(",")]

    assert len(ids) > 15
    for one in ids:
        spelled = one.lower()
        assert spelled in source or spelled.replace("-", "_") in source, one


def test_the_figures_are_those_of_the_code() -> None:
    """Defaults that change must change here too."""
    guards, schedule = GuardRules(), ScheduleRules()
    text = prose(SYNC)

    assert f"default {schedule.nightly_hour} o'clock" in text
    assert schedule.delta_interval_s == 60
    assert "**Every minute**" in text
    assert f"over {guards.shrink_percent:g} % fewer" in text
    assert f"more than {guards.shrink_number} are missing" in text
    for threshold in (
        guards.removals,
        guards.disables,
        guards.losses,
        guards.departments,
        guards.memberships,
    ):
        figures = f"more than {threshold.number} *and* more than {threshold.percent:g} %"
        assert figures in text


# --- for developers -------------------------------------------------------------------------------


def test_the_floor_plan_is_the_enforced_one() -> None:
    """Two drawings of a house, one of them wrong, are worse than none."""
    (plan,) = [b.text for b in blocks(DOCS / "architecture.md", "") if "-> cli ->" in b.text]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [c for c in project["tool"]["importlinter"]["contracts"] if c["id"] == "floors"]

    def floor(text: str) -> set[str]:
        return set(re.findall(r"\w+", text))

    assert [floor(one) for one in plan.split("->")] == [floor(one) for one in layers["layers"]]


def test_every_room_of_the_table_is_there_and_the_other_way_round() -> None:
    """And every module that the table names stands in its room."""
    package = ROOT / "src" / "jackfield"
    told = {}
    for first, meaning in rows(DOCS / "architecture.md", "room"):
        for name in code(first):
            told[name.rstrip("/")] = meaning
    there = {
        path.name
        for path in package.iterdir()
        if path.name not in {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    }

    assert set(told) - {"m365_emulator"} == there
    for room, meaning in told.items():
        folder = package / room
        if not folder.is_dir():
            continue
        for name in code(meaning):
            plain = name.rstrip("/")
            if plain.isidentifier():
                assert (folder / plain).is_dir() or (folder / f"{plain}.py").exists(), (room, name)


def test_every_file_that_a_page_names_exists() -> None:
    """Paths in backticks, from the top of the repository."""
    for page in PAGES:
        for name in code(prose(page)):
            if re.fullmatch(r"(src|tests|tools|bench|docs|core|flows|web)/[\w./-]*\w", name):
                inside = [ROOT / name, ROOT / "src" / "jackfield" / name]
                assert any(path.exists() for path in inside), f"{name} in {page.name}"


def test_the_makefile_has_what_the_pages_promise() -> None:
    """Each `make` target that is named anywhere."""
    targets = set(
        re.findall(
            r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    for page in PAGES:
        named = code(prose(page)) + [b.text for b in blocks(page, "sh", "console")]
        for text in named:
            for target in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", text, re.MULTILINE):
                assert target in targets, f"make {target} in {page.name}"


def test_the_markers_are_those_of_the_tests() -> None:
    """CONTRIBUTING explains each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    markers = {one.split(":")[0] for one in project["tool"]["pytest"]["ini_options"]["markers"]}
    page = prose(ROOT / "CONTRIBUTING.md")

    assert all(f"`{marker}`" in page for marker in markers)


def test_every_folder_of_tests_is_explained() -> None:
    """Where does a new test go?"""
    told = prose(DOCS / "architecture.md")
    there = {
        path.name
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and any(path.rglob("test_*.py"))
    }

    assert {name for name in there if f"`tests/{name}`" not in told} == set()
