"""Where the command line looks for an endpoint."""

from pathlib import Path

import pytest

from deepwhisk.errors import SettingsError
from deepwhisk.settings import Endpoint, State, cache_folder, find_endpoint, read_wskprops, write_wskprops


def props(path: Path, host: str, auth: str = "u:k") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# a comment\nAPIHOST={host}\nAUTH={auth}\nNAMESPACE=guest\n")
    return path


def test_flags_win_over_files(tmp_path: Path) -> None:
    props(tmp_path / "wskprops", "http://file:1")

    found = find_endpoint("http://flag:1", None, State(tmp_path), {})

    assert found == Endpoint("http://flag:1", "u:k")


def test_WSK_CONFIG_FILE_wins_over_the_state_folder(tmp_path: Path) -> None:
    props(tmp_path / "wskprops", "http://state:1")
    named = props(tmp_path / "named" / "props", "http://named:1")

    found = find_endpoint(None, None, State(tmp_path), {"WSK_CONFIG_FILE": str(named)})

    assert found.apihost == "http://named:1"


def test_nothing_known_says_where_it_looked_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(SettingsError, match="deepwhisk up") as caught:
        find_endpoint(None, None, State(tmp_path / "none"), {})

    assert str(tmp_path / "none" / "wskprops") in str(caught.value)


def test_a_key_without_a_colon_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="UUID:KEY") as caught:
        find_endpoint("http://flag:1", "hush", State(tmp_path), {})

    assert "hush" not in str(caught.value)


def test_a_key_may_hold_an_equals_sign(tmp_path: Path) -> None:
    path = tmp_path / "wskprops"
    path.write_text("AUTH=a:b=c\n")

    assert read_wskprops(path) == {"AUTH": "a:b=c"}


def test_the_cache_is_where_the_environment_says(tmp_path: Path) -> None:
    assert cache_folder({"DEEPWHISK_CACHE": str(tmp_path)}) == tmp_path
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "deepwhisk"


def test_the_state_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    state.make()

    assert state.folder.stat().st_mode & 0o777 == 0o700


def test_wskprops_keeps_what_others_wrote_and_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "wskprops"
    path.write_text("APIGW_ACCESS_TOKEN=x\nAUTH=old\n")
    write_wskprops(path, "http://h:1", "u:k", "guest")

    assert path.read_text().splitlines() == [
        "APIHOST=http://h:1",
        "AUTH=u:k",
        "NAMESPACE=guest",
        "APIGW_ACCESS_TOKEN=x",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
