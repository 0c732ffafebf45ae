import pytest

from jackfield.graph.cloud import CLOUDS, AddressRefused, CloudName, own_cloud


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        (CloudName.GLOBAL, "https://graph.microsoft.com/.default"),
        (CloudName.US_GOV, "https://graph.microsoft.us/.default"),
        (CloudName.DOD, "https://dod-graph.microsoft.us/.default"),
        (CloudName.CHINA, "https://microsoftgraph.chinacloudapi.cn/.default"),
    ],
)
def test_each_cloud_asks_for_tokens_of_its_own_graph(name, scope):
    """Tokens of one cloud are worth nothing in another."""
    assert CLOUDS[name].scopes == (scope,)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        pytest.param("https://Graph.Example/", "https://graph.example", id="slash"),
        pytest.param("https://graph.example/v1.0/", "https://graph.example", id="version"),
        pytest.param("http://127.0.0.1:8365", "http://127.0.0.1:8365", id="loopback"),
        pytest.param("http://[::1]:8365", "http://[::1]:8365", id="loopback_v6"),
        pytest.param("http://localhost:1", "http://localhost:1", id="localhost"),
    ],
)
def test_addresses_are_taken_as_people_write_them(given, origin):
    """The command line takes any Graph-speaking server."""
    assert own_cloud("https://login.example", given).graph == origin


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param("http://graph.example", "plain http", id="http"),
        pytest.param("http://127.0.0.1.nip.example", "plain http", id="looks_like_loopback"),
        pytest.param("graph.example", "must begin with https", id="no_scheme"),
        pytest.param("https://", "must begin with https", id="no_host"),
        pytest.param("ftp://graph.example", "must begin with https", id="ftp"),
        pytest.param("https://me:pw@graph.example", "a host and a port", id="password"),
        pytest.param("https://graph.example/x", "a host and a port", id="path"),
        pytest.param("https://graph.example?x=1", "a host and a port", id="query"),
        pytest.param("https://graph.example:99999", "cannot be read", id="port"),
        pytest.param("https://[::1", "cannot be read", id="bracket"),
    ],
)
def test_addresses_that_leak_or_mislead_are_refused(given, says):
    """A secret sent in clear text is lost, also if it was a typing error."""
    with pytest.raises(AddressRefused, match=says):
        own_cloud("https://login.example", given)
