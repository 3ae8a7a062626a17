"""Reading the answers of the webserver."""

from __future__ import annotations

from cascade.processes.ui import Asset, UserInterface, _location


def node(
    *path: str, group: str | None = None, partitioned: bool = False, made: bool = True, kinds: tuple[str, ...] = ()
) -> dict[str, object]:
    return {
        "assetKey": {"path": list(path)},
        "groupName": group,
        "isPartitioned": partitioned,
        "isMaterializable": made,
        "kinds": list(kinds),
    }


def test_a_location_has_assets_sensors_and_schedules() -> None:
    location = _location(
        {
            "name": "dev",
            "locationOrLoadError": {
                "repositories": [
                    {
                        "assetNodes": [
                            node("b", kinds=("python", "broken")),
                            node("n", "a", group="g", partitioned=True),
                            node("x", made=False),
                        ],
                        "sensors": [{"name": "cascade_automation", "sensorState": {"status": "RUNNING"}}],
                        "schedules": [{"name": "nightly", "scheduleState": {"status": "STOPPED"}}],
                    }
                ]
            },
        }
    )
    assert location.assets == (Asset("b", "default", False, broken=True), Asset("n/a", "g", True))
    assert (location.ticking, location.stopped) == (("cascade_automation",), ("nightly",))
    assert location.error is None


def test_the_innermost_error_of_a_failed_load_is_shown() -> None:
    content = {"message": "Error loading", "causes": [{"message": "wrapped"}, {"message": "DeclarationError: twice\n"}]}
    assert _location({"name": "dev", "locationOrLoadError": content}).error == "DeclarationError: twice"


def test_an_error_of_cascade_is_shown_even_if_another_caused_it() -> None:
    own = "cascade.exceptions.ConfigError: /p/pyproject.toml:3: pyproject.toml is not valid TOML: no\n"
    content = {"message": "Error loading", "causes": [{"message": own}, {"message": "tomllib.TOMLDecodeError: no"}]}
    shown = _location({"name": "dev", "locationOrLoadError": content}).error
    assert shown == "/p/pyproject.toml:3: pyproject.toml is not valid TOML: no"


def test_the_details_of_a_dead_code_server_are_shown() -> None:
    content = {
        "message": '<_InactiveRpcError of RPC:\n\tdetails = "Could not reach user code server."\n>',
        "causes": [],
    }
    assert _location({"name": "dev", "locationOrLoadError": content}).error == "Could not reach user code server."


def test_a_server_on_all_addresses_is_reached_on_this_machine() -> None:
    assert UserInterface("0.0.0.0", 3000).address == "http://127.0.0.1:3000"
    assert UserInterface("localhost", 3001).address == "http://localhost:3001"
