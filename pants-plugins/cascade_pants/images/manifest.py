"""The small files of an image: its configuration, its manifest and its index. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
# Images that are built again must be the same, so they have no time.
_CREATED = "1970-01-01T00:00:00Z"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Settings:
    """What an image does when it starts.

    Args:
        reference: its name and tag.
        entrypoint: the command.
        command: the arguments of the command, unless others are given.
        path: the directory that comes first on `PATH`.
        directory: the working directory.
        user: the numbers of the user and the group, as in `1000:1000`.
        port: the port that it may listen on.
        env: variables in addition to those of the base.
        labels: labels in addition to those of the base.
    """

    reference: str
    entrypoint: Sequence[str]
    path: str
    directory: str
    user: str
    port: int
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def image_config(
    base: Mapping[str, Any], layers: Iterable[tuple[str, Mapping[str, Any]]], settings: Settings
) -> dict[str, Any]:
    """Return the configuration of an image.

    Args:
        base: the configuration of its base.
        layers: what is in each layer above the base, and what `write_layer` answered.
        settings: what it does when it starts.
    """
    above = list(layers)
    under = dict(base.get("config") or {})
    env = dict(variable.partition("=")[::2] for variable in under.get("Env") or ())
    env.update(settings.env)
    env["PATH"] = f"{settings.path}:{env.get('PATH') or _PATH}"
    diff_ids = list(base["rootfs"]["diff_ids"])
    history = list(base.get("history") or ())
    if sum(1 for step in history if not step.get("empty_layer")) != len(diff_ids):
        # Engines refuse an image whose history does not have each layer.
        history = [{"created": _CREATED, "created_by": "base"} for _ in diff_ids]
    config = {
        **under,
        "Env": [f"{name}={value}" for name, value in sorted(env.items())],
        "Entrypoint": list(settings.entrypoint),
        "User": settings.user,
        "WorkingDir": settings.directory,
        "ExposedPorts": {**(under.get("ExposedPorts") or {}), f"{settings.port}/tcp": {}},
        "Labels": dict(sorted({**(under.get("Labels") or {}), **settings.labels}.items())),
    }
    # Without a command of its own, the image must not start with that of the base.
    config.pop("Cmd", None)
    if settings.command:
        config["Cmd"] = list(settings.command)
    return {
        **{name: base[name] for name in ("architecture", "os", "variant", "os.version", "os.features") if name in base},
        "created": _CREATED,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [*diff_ids, *(layer["diff_id"] for _, layer in above)]},
        "history": [*history, *({"created": _CREATED, "created_by": f"cascade_image: {what}"} for what, _ in above)],
    }


def image_files(
    base: Mapping[str, Any], layers: Mapping[str, Mapping[str, Any]], settings: Settings
) -> dict[str, bytes]:
    """Return the files of the OCI layout of an image, without its layers.

    Args:
        base: what `read_base` answered.
        layers: what is in each layer above the base, and what `write_layer` answered.
        settings: what the image does when it starts.

    Returns:
        Their contents by their paths. `manifest.json` is what `docker load` looks for; everything else is of OCI.
    """
    config = _json(image_config(base["config"], layers.items(), settings))
    descriptors = [*base["layers"], *(layer["descriptor"] for layer in layers.values())]
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": descriptors,
            # The names of the specification, so that scanners can tell that the base has a newer version.
            "annotations": {"org.opencontainers.image.base.digest": base["digest"]},
        }
    )
    platform = {name: base["config"][name] for name in ("architecture", "os", "variant") if name in base["config"]}
    name = {
        "org.opencontainers.image.ref.name": settings.reference.rpartition(":")[2],
        "io.containerd.image.name": full_reference(settings.reference),
    }
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**_descriptor(_MANIFEST, manifest), "platform": platform, "annotations": name}],
    }
    docker = [
        {
            "Config": _path(config),
            "RepoTags": [settings.reference],
            "Layers": [f"blobs/sha256/{one['digest'].partition(':')[2]}" for one in descriptors],
        }
    ]
    return {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        "manifest.json": _json(docker),
        _path(config): config,
        _path(manifest): manifest,
    }


def full_reference(reference: str) -> str:
    """Return a reference with the registry and the namespace that Docker takes where it has none.

    Args:
        reference: such as `dev:latest`, which means `docker.io/library/dev:latest`.
    """
    first, slash, _ = reference.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return reference
    return f"docker.io/{'' if slash else 'library/'}{reference}"


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _path(content: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
